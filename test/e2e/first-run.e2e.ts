/**
 * kill -9 in the very first run of a stack in AWS, as soon as AWS (moto) has been asked for a thing:
 * the next run takes it as its own, and nothing is there twice.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, ListAliasesCommand, ListKeysCommand } from '@aws-sdk/client-kms';
import { ListSecretsCommand, ListSecretVersionIdsCommand } from '@aws-sdk/client-secrets-manager';
import { leaks, makeCanary } from '../canary.ts';
import { AwsFaultProxy } from './aws-fault-proxy.ts';
import { Checkout } from './checkout.ts';
import { type Process, processes } from './process-tree.ts';
import { type Snapshot, snapshotFaults } from './snapshot-rules.ts';
import { StoredStack } from './stored-stack.ts';
import { killDuring, type Victim, victims } from './victims.ts';

const up = 'run --silent pulumi -- up --stack dev --yes --skip-preview'.split(' ');
const client = /^(?:\S*\/)?node .*plugins\/aws\/main\.ts/u;

describe('kill -9 in the first run in AWS', () => {
  const checkout = new Checkout();
  const canary = makeCanary('first-run');
  let stack: StoredStack;
  let proxy: AwsFaultProxy;

  before(async () => {
    stack = await StoredStack.start(checkout, canary);
    proxy = await AwsFaultProxy.start(stack.aws.endpoint);
  });

  after(async () => {
    await proxy?.stop();
    await stack?.stop();
    checkout.remove();
  });

  /** As nobody had been here before; the stack's own key and values stay. */
  async function asNew(): Promise<void> {
    await fetch(`${stack.aws.endpoint}/moto-api/reset`, { method: 'POST' });
    const { stdout } = await stack.pulumi('stack', 'export');
    const state = JSON.parse(stdout) as { deployment: Record<string, unknown> };
    delete state.deployment.resources;
    delete state.deployment.pending_operations;
    const words = ['pulumi', '--', 'stack', 'import', '--stack', 'dev'];
    assert.equal((await stack.run(words, JSON.stringify(state))).code, 0);
  }

  /** What is there too often or not at all; names alone. */
  async function faults(): Promise<readonly string[]> {
    const { kms, iam, secrets } = stack;
    const { stdout } = await stack.pulumi('stack', 'export');
    const snapshot = JSON.parse(stdout) as Snapshot;
    const found = [...snapshotFaults(snapshot)];
    const ids = new Set(snapshot.deployment?.resources?.map(({ id }) => id));
    const { Keys = [] } = await kms.send(new ListKeysCommand({}));
    for (const { KeyId = '' } of Keys) {
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
      if (KeyMetadata?.KeyState === 'Enabled' && !ids.has(KeyId)) found.push(`key ${KeyId}`);
    }
    const { Aliases = [] } = await kms.send(new ListAliasesCommand({}));
    const { Roles = [] } = await iam.send(new ListRolesCommand({}));
    const { SecretList = [] } = await secrets.send(new ListSecretsCommand({}));
    const seen = [
      ...Aliases.flatMap(({ AliasName = '' }) =>
        AliasName.startsWith('alias/aws/') ? [] : AliasName,
      ),
      ...Roles.map(({ RoleName = '' }) => RoleName),
      ...SecretList.map(({ ARN = '' }) => ARN),
    ];
    found.push(...seen.filter((id) => !ids.has(id)).map((id) => `${id} is nobody's`));
    if (seen.length !== 4) found.push(`${seen.length} things with a name`);
    for (const { ARN, Name } of SecretList) {
      const command = new ListSecretVersionIdsCommand({ SecretId: ARN, IncludeDeprecated: true });
      const { Versions = [] } = await secrets.send(command);
      const wanted = Name === 'hummingbot/trading' ? 1 : 0;
      if (Versions.length !== wanted) found.push(`${Versions.length} versions of ${Name}`);
    }
    return found;
  }

  /**
   * Kills when AWS has done something.
   * @param held whether AWS's answer does not arrive before
   * @returns whether it came in time
   */
  async function killAfter(victim: Victim, action: string, held: boolean): Promise<boolean> {
    await asNew();
    const { aws } = stack;
    const mark = aws.requests().length;
    const happened = (): boolean =>
      aws
        .requests()
        .slice(mark)
        .some((each) => each.action.endsWith(action));
    if (held) proxy.break({ does: 'hold' }, (asked) => asked.action.endsWith(action));
    const child = checkout.start('npm', up, {
      ...aws.environment,
      AWS_ENDPOINT_URL: proxy.endpoint,
    });
    const result = checkout.finish(child);
    const moment = { event: action, happened };
    const command = victim === 'plugin' ? client : victims[victim];
    const killed = await killDuring(child, { victim, moment, lifetime: 0, command });
    // A client that is still there would ask again.
    const isClient = ({ command: each }: Process): boolean =>
      client.test(each) && each.includes(checkout.directory);
    for (let tries = 0; tries < 300 && processes().some(isClient); tries += 1) await sleep(100);
    proxy.mend();
    proxy.hangUp();
    await result;
    const { code, stdout, stderr } = await stack.up();
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(await faults(), []);
    return killed !== undefined;
  }

  const cases: readonly (readonly [Victim, string, boolean])[] = [
    ['engine', 'CreateAlias', false],
    ['engine', 'CreateRole', false],
    ['engine', 'CreateKey', true],
    ['engine', 'CreateSecret', true],
    ['engine', 'PutSecretValue', true],
    ['plugin', 'CreateKey', true],
    ['plugin', 'CreateAlias', true],
    ['plugin', 'CreateSecret', true],
    ['plugin', 'CreateRole', true],
    ['plugin', 'PutResourcePolicy', true],
    ['plugin', 'PutSecretValue', true],
  ];
  for (const [victim, action, held] of cases) {
    it(`of the ${victim} at ${action}${held ? ', before it has the answer' : ''}`, async () => {
      let inTime = false;
      for (let tries = 0; !inTime && tries < 3; tries += 1) {
        inTime = await killAfter(victim, action, held);
      }
      assert.ok(inTime, 'the run was over each time');
    });
  }

  for (const action of [
    'CreateKey',
    'CreateAlias',
    'CreateSecret',
    'CreateRole',
    'PutSecretValue',
  ]) {
    it(`or no kill, but an answer to ${action} that is lost: the next run finds what is there`, async () => {
      await asNew();
      proxy.break({ does: 'lose' }, (asked) => asked.action.endsWith(action), 1);
      const { code, stdout, stderr } = await checkout.run('npm', up, {
        // Asked once more, AWS would say that it is there, or make a second one.
        env: { ...stack.aws.environment, AWS_ENDPOINT_URL: proxy.endpoint, AWS_MAX_ATTEMPTS: '1' },
      });
      proxy.mend();
      assert.equal(code, 1, stdout + stderr);
      const again = await stack.up();
      assert.equal(again.code, 0, again.stdout + again.stderr);
      assert.deepEqual(await faults(), []);
    });
  }

  it('of the engine in the middle of what it writes beside the state', async () => {
    const attributes = checkout.path(
      '.local/state/.pulumi/stacks/hummingbot-secrets/dev.json.attrs',
    );
    writeFileSync(attributes, '');
    writeFileSync(checkout.path('.local/state/.pulumi/meta.yaml.attrs'), '');
    // A command that takes no lock, too.
    await checkout.setSecret('e2e', canary);
    writeFileSync(attributes, '');
    const { code, stdout, stderr } = await stack.up();
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(await faults(), []);
  });

  it('of the engine in the middle of what it writes into the stack file', async () => {
    const path = checkout.path('.local/stacks/Pulumi.dev.yaml');
    const text = checkout.read('.local/stacks/Pulumi.dev.yaml');
    for (const cut of ['', `${text.slice(0, 20)}${'#'.repeat(4096 - 20)}`]) {
      writeFileSync(path, cut);
      const { code, stdout, stderr } = await stack.up();
      assert.equal(code, 0, stdout + stderr);
      assert.match(stderr, /^- \.local\/stacks\/Pulumi\.dev\.yaml was cut short by a kill; .*$/mu);
      assert.equal(checkout.read('.local/stacks/Pulumi.dev.yaml'), text);
      assert.deepEqual(await faults(), []);
    }
  });

  it('shows no value', () => {
    assert.deepEqual(leaks(checkout.printed.join('\n'), new Map([['e2e', canary]])), []);
  });
});
