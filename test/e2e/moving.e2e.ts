/**
 * A stack that moves from target to target while its bot runs: from files and native Secrets to AWS,
 * from there to Vault. Watched on real servers: no Secret is ever absent, those with a fixed name
 * neither; the bot is not restarted; the old place goes last. Linux and root.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { differences } from '../../rehearsal/keystore.ts';
import { leaks } from '../canary.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

const removals = 'hummingbot:index:SecretRemoval';

describe('a stack that moves', () => {
  const stack = new RehearsedStack('prod');
  let watch: ClusterWatch;
  let pod: string | undefined;
  let tags: unknown;
  const values = new Map<string, string>();
  const files = stack.checkout.path('out/rehearsal/prod');

  before(async function () {
    if (!canRehearse) this.skip();
    stack.commit('targets', ['compose', 'env-file', 'kubernetes']);
    await stack.start('--also', 'aws-secrets-manager', '--also', 'vault');
    watch = await stack.watch();
    pod = (await stack.pod()).metadata?.uid;
    tags = await output('tags');
    for (const [key, value] of await stack.values()) values.set(key, value);
  });
  after(async () => await stack.end());

  async function output(name: string): Promise<unknown> {
    const { stdout } = await stack.pulumi(['stack', 'output', name, '--json']);
    return JSON.parse(stdout);
  }

  async function config(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await stack.pulumi(['config', ...words]);
    assert.equal(code, 0, stderr);
  }

  async function up(): Promise<string> {
    const { code, stdout, stderr } = await stack.npmStart();
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  async function types(): Promise<readonly string[]> {
    const { stdout } = await stack.pulumi(['stack', 'export']);
    const { deployment } = JSON.parse(stdout) as {
      readonly deployment: { readonly resources: readonly { readonly type: string }[] };
    };
    return deployment.resources.map(({ type }) => type);
  }

  /** Names of the groups' Secrets that went since the watch began. */
  const gone = (): readonly string[] =>
    watch
      .events('secrets')
      .filter(({ type, name }) => type === 'DELETED' && name.startsWith('hummingbot-'))
      .map(({ name }) => name);

  const secrets = (): ReadonlySet<string> =>
    new Set(
      watch
        .events('secrets')
        .map(({ name }) => name)
        .filter((name) => /^hummingbot-(?:trading|infrastructure|monitoring)/u.test(name)),
    );

  /** What must be so after each move: the same Secrets, never absent, and the same bot. */
  async function movedTo(owner: string | undefined): Promise<void> {
    assert.deepEqual(gone(), []);
    assert.equal(secrets().size, 3);
    const { namespace, access } = stack;
    for (const name of secrets()) {
      const { metadata } = await access.core.readNamespacedSecret({ namespace, name });
      assert.equal(metadata?.ownerReferences?.[0]?.kind, owner, name);
    }
    assert.equal((await stack.pod()).metadata?.uid, pod);
    assert.deepEqual(differences(await stack.keystore(), await stack.values()), []);
    assert.deepEqual(await output('tags'), tags);
    assert.match(await up(), /Resources:\n {4}\d+ unchanged\n/u);
  }

  const inAws = async (): Promise<number> =>
    (await stack.secretsManager().send(new ListSecretsCommand({}))).SecretList?.length ?? 0;

  it('stands on three targets at once, with the same tags, and the doctor finds each value at each', async () => {
    assert.ok(existsSync(`${files}/secrets/trading/binance_api_key`));
    assert.deepEqual((await types()).filter((type) => type === removals).length, 3);
    assert.equal(await inAws(), 0);
    const words = ['run', '--silent', 'doctor', '--', '--stack', 'prod'];
    const { stdout } = await stack.run('npm', words);
    const rows = stdout
      .split('\n')
      .filter((line) => /^(?:trading|infrastructure|monitoring)\./u.test(line));
    assert.equal(rows.length, 23, stdout);
    for (const row of rows) assert.match(row, / (?:own value|generated) +yes +yes +yes /u);
    // The servers of this rehearsal are those of a cluster.
    const [problem, ...more] = stdout.split('Problems:\n')[1]?.split('\n') ?? [];
    assert.match(problem ?? '', /^ {2}docker: got no Compose/u, stdout);
    assert.equal(more[0], '');
    const seen = tags as Readonly<Record<string, { readonly group: string }>>;
    const { namespace, access } = stack;
    for (const name of secrets()) {
      const { metadata } = await access.core.readNamespacedSecret({ namespace, name });
      const [group] = Object.entries(seen).find(([each]) => name.includes(each)) ?? [];
      assert.equal(metadata?.annotations?.['hummingbot-secrets/tag'], seen[group ?? '']?.group);
    }
  });

  it('goes from files and native Secrets to AWS: taken over by the operator, the files removed', async () => {
    await config('rm', 'targets');
    await config('set', '--path', 'targets[0]', 'aws-secrets-manager');
    await up();
    await movedTo('ExternalSecret');
    assert.equal(await inAws(), 3);
    assert.equal(existsSync(files), false);
    assert.deepEqual(
      (await types()).filter((type) => type === removals || /core\/v1:Secret$/u.test(type)),
      [],
    );
  });

  it('goes from AWS to Vault in the same ExternalSecrets, and AWS is emptied at the end', async () => {
    await config('set', '--type', 'bool', 'protect', 'false');
    await up();
    await config('set', '--path', 'targets[0]', 'vault');
    const mark = stack.mark();
    const begun = Date.now();
    await up();
    await movedTo('ExternalSecret');
    const stores = watch
      .events('externalsecrets')
      .filter(({ at, type }) => at > begun && type === 'MODIFIED');
    assert.ok(stores.length > 0);
    assert.deepEqual(
      watch.events('externalsecrets').filter(({ type }) => type === 'DELETED'),
      [],
    );
    const { stdout } = await stack.kubectl(
      ...['get', 'externalsecrets', '-o', 'jsonpath={.items[*].spec.secretStoreRef.name}'],
    );
    assert.equal(stdout, 'vault vault vault');
    assert.equal(await inAws(), 0);
    const deletions = stack.awsWrites(mark).filter(({ action }) => /DeleteSecret$/u.test(action));
    assert.equal(deletions.length, 3);
  });

  it('and from Vault back to AWS', async () => {
    await config('set', '--path', 'targets[0]', 'aws-secrets-manager');
    await config('set', 'prefix', 'hummingbot-again');
    await up();
    await movedTo('ExternalSecret');
    assert.equal(await inAws(), 3);
  });

  it('showed a value nowhere', () => {
    const printed = stack.checkout.printed.join('\n');
    assert.ok(printed.length > 1000);
    assert.deepEqual(leaks(printed, values), []);
    for (const [name, text] of stack.logs()) {
      assert.deepEqual(leaks(text.toString('latin1'), values), [], name);
    }
  });
});
