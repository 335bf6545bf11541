/**
 * `npm run restore` under the real engine, against moto: after a destroy the same names and the
 * same key are the stack's again, and `up` without it says that command.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { isWrite } from '../../rehearsal/servers/aws-requests.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, listFiles, type Result } from './checkout.ts';
import { StoredStack } from './stored-stack.ts';

const names = ['hummingbot/trading', 'hummingbot/monitoring'];

describe('npm run restore', () => {
  const checkout = new Checkout();
  const canary = makeCanary('restore');
  let stack: StoredStack;
  let made: readonly (string | undefined)[];

  before(async () => {
    stack = await StoredStack.start(checkout, canary);
    await up();
    made = await ids();
  });

  after(async () => {
    await stack?.stop();
    checkout.remove();
  });

  const restore = async (): Promise<Result> => await stack.run(['restore', '--', '--stack', 'dev']);
  const writesSince = (at: number): readonly string[] =>
    stack.aws
      .requests()
      .slice(at)
      .filter(isWrite)
      .map(({ action }) => action);

  async function up(): Promise<Result> {
    const result = await stack.up();
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  }

  async function destroy(): Promise<void> {
    assert.notEqual(
      (await stack.pulumi('destroy', '--yes', '--skip-preview')).code,
      0,
      'protected',
    );
    assert.equal((await stack.pulumi('state', 'unprotect', '--all', '--yes')).code, 0);
    const { code, stdout } = await stack.pulumi('destroy', '--yes', '--skip-preview');
    assert.equal(code, 0, stdout);
  }

  /** What must be the same afterwards: ARNs of the secrets, id of their key. */
  async function ids(): Promise<readonly (string | undefined)[]> {
    const found = await Promise.all(
      names.map((SecretId) => stack.secrets.send(new DescribeSecretCommand({ SecretId }))),
    );
    return [...found.map(({ ARN }) => ARN), found[0]?.KmsKeyId];
  }

  it('has nothing to do for a stack that is there', async () => {
    const at = stack.aws.requests().length;
    const { code, stdout, stderr } = await restore();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Nothing of stack dev waited for its deletion\./);
    assert.deepEqual(writesSince(at), []);
  });

  it('is what up says after a destroy, in one line, before anything is written', async () => {
    await destroy();
    const at = stack.aws.requests().length;
    for (const verb of [['preview'], ['up', '--yes', '--skip-preview']]) {
      const { code, stdout, stderr } = await stack.pulumi(...verb);
      assert.notEqual(code, 0);
      // The engine says it again while it goes on; the diagnostics are what stays.
      const diagnostics = `${stdout}${stderr}`.split('Diagnostics:')[1] ?? '';
      const lines = diagnostics.split('\n').filter((line) => line.includes('npm run restore'));
      assert.equal(lines.length, 1, stdout + stderr);
      assert.match(
        lines[0] ?? '',
        /hummingbot\/trading, hummingbot\/monitoring: got scheduled for deletion in AWS Secrets Manager; allowed: .*; fix: npm run restore -- --stack dev; nothing was changed/,
      );
    }
    assert.deepEqual(writesSince(at), []);
  });

  it('refuses another account before it restores anything', async () => {
    await stack.pulumi('config', 'set', 'account', '210987654321');
    const at = stack.aws.requests().length;
    const { code, stderr } = await restore();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^account: got 123456789012; allowed: 210987654321; fix: .*nothing was changed$/m,
    );
    assert.deepEqual(writesSince(at), []);
    await stack.pulumi('config', 'set', 'account', stack.aws.account);
  });

  it("has back the same secrets and key, and makes them the stack's, protected", async () => {
    const at = stack.aws.requests().length;
    const { code, stdout, stderr } = await restore();
    assert.equal(code, 0, stderr);
    assert.deepEqual(writesSince(at).toSorted(), [
      'kms.CancelKeyDeletion',
      'kms.EnableKey',
      'secretsmanager.RestoreSecret',
      'secretsmanager.RestoreSecret',
    ]);
    assert.match(stdout, /^restored hummingbot\/trading$/m);
    assert.match(stdout, /3 of them are the stack's again\. Next: npm start -- --stack dev/);
    assert.deepEqual(await ids(), made);
    const { KeyMetadata } = await stack.kms.send(new DescribeKeyCommand({ KeyId: made[2] }));
    assert.equal(KeyMetadata?.KeyState, 'Enabled');
    const { stdout: state } = await stack.pulumi('stack', 'export');
    const { resources } = JSON.parse(state).deployment;
    const kept = resources.filter(({ protect }: { protect?: boolean }) => protect);
    assert.deepEqual(kept.map(({ urn }: { urn: string }) => urn.split('::').at(-1)).toSorted(), [
      'key',
      'monitoring',
      'trading',
    ]);
  });

  it('lets up go on with the same names and the same key, and the next one change nothing', async () => {
    const at = stack.aws.requests().length;
    const { stdout } = await up();
    assert.doesNotMatch(stdout, /replaced/);
    const writes = writesSince(at);
    assert.ok(!writes.includes('secretsmanager.CreateSecret'), writes.join());
    assert.ok(!writes.includes('kms.CreateKey'), writes.join());
    assert.deepEqual(await ids(), made);
    const command = new GetSecretValueCommand({ SecretId: names[0] });
    assert.equal((await stack.secrets.send(command)).SecretString, canary);
    const again = await stack.up('--expect-no-changes', '--refresh');
    assert.equal(again.code, 0, again.stdout);
  });

  it('goes on where a run was cut short: restored in AWS, not yet in the state', async () => {
    await destroy();
    const { stdout: empty } = await stack.pulumi('stack', 'export');
    assert.equal((await restore()).code, 0);
    const words = ['pulumi', '--', 'stack', 'import', '--stack', 'dev'];
    const cut = await stack.run(words, empty);
    assert.equal(cut.code, 0, cut.stderr);
    const { code, stdout, stderr } = await restore();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /3 of them are the stack's again/);
    await up();
    assert.deepEqual(await ids(), made);
  });

  it('leaves a secret of another environment alone', async () => {
    await destroy();
    const Tags = [{ Key: 'environment', Value: 'staging' }];
    const tag = new TagResourceCommand({ SecretId: made[0], Tags });
    // moto tags what waits for its deletion, too.
    await stack.secrets.send(tag);
    const at = stack.aws.requests().length;
    const { code, stderr } = await restore();
    assert.equal(code, 1);
    assert.match(stderr, /^hummingbot\/trading: got tag environment staging; allowed: dev, .*$/m);
    assert.deepEqual(writesSince(at), []);
  });

  it('shows the value nowhere', () => {
    const canaries = new Map([['restore', canary]]);
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
    const files = ['.local', 'tmp'].flatMap((name) => {
      const directory = name === 'tmp' ? checkout.temporary : checkout.path(name);
      return listFiles(directory).map((path) => join(directory, path));
    });
    assert.ok(files.length > 5);
    const hits = files.flatMap((path) => leaks(readFileSync(path), canaries).map(() => path));
    assert.deepEqual(hits, []);
  });
});
