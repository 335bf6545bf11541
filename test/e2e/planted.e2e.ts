/**
 * What somebody might do to a stack, done by hand: each is found by the command that should, with its
 * cause and its fix, and before any of it no command finds anything. One rehearsal of prod, one of a
 * swarm, and dev's files. Linux and root.
 */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import type { Report } from '../../operations/access/report.ts';
import type { AuditReport } from '../../operations/audit/shown.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks, makeCanary } from '../canary.ts';
import type { Result } from './checkout.ts';
import { driftOf } from './drift-report.ts';
import {
  asAccount,
  core,
  everything,
  grant,
  makeAccount,
  openTo,
  wideRole,
} from './planted-rights.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';
import { SwarmStack } from './swarm-stack.ts';

type Command = 'access' | 'audit' | 'drift' | 'leaks';

interface Found {
  readonly by: Command;
  /** Who or what, and how. */
  readonly what: string;
  readonly cause: string;
  readonly fix: string;
}

interface Violation {
  readonly name: string;
  readonly by: Command;
  readonly plant: () => Promise<void>;
  readonly what: RegExp;
  readonly cause: RegExp;
  /** What else comes of it. */
  readonly also?: RegExp;
}

describe('violations that somebody plants', () => {
  const prod = new RehearsedStack('prod');
  const swarm = new SwarmStack();
  const { checkout } = prod;
  const values = new Map<string, string>();
  const said: string[] = [];
  const foreign = 'hummingbot-trading-keys-deadbeef';
  const staging = checkout.read('Pulumi.staging.yaml');
  /** Of the role that may read too much. */
  let role = '';
  let since = '';

  before(async function () {
    if (!canRehearse) this.skip();
    await prod.start();
    await swarm.start();
    const { code, stderr } = await checkout.npmStart();
    assert.equal(code, 0, stderr);
    for (const [key, value] of await prod.values()) values.set(`prod ${key}`, value);
    for (const [key, value] of await swarm.values()) values.set(`swarm ${key}`, value);
    since = new Date().toISOString();
  });
  after(async () => {
    if (canRehearse) {
      // Dev's own is left by no command.
      rmSync(checkout.path('out'), { recursive: true, force: true });
      writeFileSync(checkout.path('Pulumi.staging.yaml'), staging);
      await swarm.end();
      await prod.end();
    } else {
      swarm.checkout.remove();
      checkout.remove();
    }
  });

  type Run = (command: string, args: readonly string[]) => Promise<Result>;
  const stacks: readonly { readonly stack: string; readonly run: Run }[] = [
    { stack: 'prod', run: async (...words) => await prod.run(...words) },
    { stack: 'prod', run: async (...words) => await swarm.run(...words) },
    { stack: 'dev', run: async (...words) => await checkout.run(...words) },
  ];

  async function json<T>(run: Run, stack: string, ...words: readonly string[]): Promise<T> {
    const flags = ['--stack', stack, '--format', 'json'];
    const [command = '', ...more] = words;
    const { code, stdout, stderr } = await run('npm', [
      ...['run', '-s', command, '--'],
      ...[...flags, ...more],
    ]);
    said.push(stdout, stderr);
    assert.ok(code < 2, `${command} of ${stack}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** All that the commands find in all stacks, each asked once. */
  async function findings(): Promise<readonly Found[]> {
    const found: Found[] = [];
    for (const { stack, run } of stacks) {
      for (const { kind, place, cause, fix } of await driftOf(run, stack)) {
        found.push({ by: 'drift', what: `${kind} ${place}`, cause, fix });
      }
      const { differences, unasked } = await json<Report>(run, stack, 'access');
      assert.deepEqual(unasked, []);
      for (const { who, ways, cause, fix } of differences) {
        found.push({ by: 'access', what: `${who}: ${ways.join(', ')}`, cause, fix });
      }
    }
    const log = join(prod.folder, 'logs', 'audit.log');
    const [{ run } = { run: async () => assert.fail() }] = stacks;
    const words = ['audit', '--since', since, '--kubernetes-log', log];
    const { events } = await json<AuditReport>(run, 'prod', ...words);
    for (const { who, verb, what, expected, from, outcome } of events) {
      if (expected !== null) continue;
      // A log says who and from where; what let them is for the review of access to say.
      found.push({
        by: 'audit',
        what: `${who}: ${verb} ${what}`,
        cause: `${outcome} from ${from.join()}`,
        fix: 'npm run access',
      });
    }
    const { code, stdout, stderr } = await checkout.run('npm', ['run', '-s', 'leaks']);
    said.push(stdout, stderr);
    const lines = [...stdout.matchAll(/^(\S+:\d+): (.+?) {2}\S+$/gmu)];
    assert.equal(code, lines.length === 0 ? 0 : 1, stdout + stderr);
    const [fix = ''] = /^\d+ findings?\. (Revoke .*)$/mu.exec(stdout)?.slice(1) ?? [];
    for (const [, what = '', cause = ''] of lines) found.push({ by: 'leaks', what, cause, fix });
    return found;
  }

  const shown = ({ by, what, cause, fix }: Found): string =>
    `npm run ${by}: ${what}; ${cause}; ${fix}`;

  const right = (
    name: string,
    rule: Parameters<typeof grant>[2],
    way: RegExp,
    everywhere = false,
  ): Violation => ({
    name: `${everywhere ? 'a ClusterRoleBinding' : 'a RoleBinding'} of ${name}`,
    by: 'access',
    plant: async () => await grant(prod, name, rule, everywhere),
    what: new RegExp(`^User:${name}: .*${way.source}`, 'u'),
    also: new RegExp(`^User:${name}: `, 'u'),
    cause: new RegExp(`${everywhere ? 'ClusterRole' : 'Role'}Binding \\S*${name} of ClusterRole`),
  });

  async function kubectl(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await prod.kubectl(...words);
    assert.equal(code, 0, stderr);
  }

  async function spy(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await asAccount(prod, 'spies', 'spy', ...words);
    assert.equal(code, 0, stderr);
  }

  const dev = (path: string): string => checkout.path(`out/dev/secrets/${path}`);
  function made(name: string): string {
    const value = makeCanary(name);
    values.set(name, value);
    return value;
  }
  const pod = async (): Promise<string> => (await prod.pod()).metadata?.name ?? '';

  const violations: readonly Violation[] = [
    right('lister', core('list', 'secrets'), /list/),
    right('watcher', core('watch', 'secrets'), /watch/),
    right('getter', core('get', 'secrets'), /get/),
    right('patcher', core('patch', 'secrets'), /patch/),
    right('sweeper', core('deletecollection', 'secrets'), /deletecollection/),
    right(
      'binder',
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['bind'] },
      /give itself rights/,
    ),
    right('pod-maker', core('create', 'pods'), /create pods/),
    right('shell', core('create', 'pods/exec'), /exec into pods/),
    right('debugger', core('patch', 'pods/ephemeralcontainers'), /add ephemeral containers/),
    right('token-maker', core('create', 'serviceaccounts/token'), /get tokens of ServiceAccount/),
    right('everything', everything, /get/, true),
    {
      name: 'an IAM grant over all secrets',
      by: 'access',
      plant: async () => {
        role = await wideRole(prod);
      },
      what: /:role\/wide: .*GetSecretValue/u,
      cause: /^inline policy all, statement Wide/u,
      also: /:role\/wide: /u,
    },
    {
      name: 'a resource policy that denies nobody',
      by: 'access',
      plant: async () => {
        const about = { SecretId: 'hummingbot/trading', ResourcePolicy: openTo(role) };
        await prod.secretsManager().send(new PutResourcePolicyCommand(about));
      },
      what: /^whoever of the account IAM lets read: GetSecretValue/u,
      cause: /^resource policy of hummingbot\/trading: no statement denies/u,
    },
    {
      name: 'a Secret edited by hand',
      by: 'drift',
      plant: async () => {
        const patch = JSON.stringify({ data: { datadog_api_key: 'eA==' } });
        await kubectl('patch', 'secret', 'hummingbot-monitoring', '--type=merge', '-p', patch);
      },
      what: /^changed Secret hummingbot\/hummingbot-monitoring$/u,
      cause: /./u,
    },
    {
      name: 'a stale tag',
      by: 'drift',
      plant: async () => {
        const tag = 'hummingbot-secrets/tag=aaaaaaaaaa';
        await kubectl('annotate', '--overwrite', 'secret', 'hummingbot-infrastructure', tag);
      },
      what: /^other tag Secret hummingbot\/hummingbot-infrastructure$/u,
      cause: /./u,
    },
    {
      name: 'a Secret that nobody knows',
      by: 'drift',
      plant: async () =>
        await kubectl('create', 'secret', 'generic', foreign, '--from-literal=x=y'),
      what: new RegExp(`^unknown Secret hummingbot/${foreign}$`, 'u'),
      cause: /./u,
    },
    {
      name: 'a value put into AWS by hand',
      by: 'drift',
      plant: async () => {
        const SecretString = JSON.stringify({ datadog_api_key: made('in AWS') });
        const about = { SecretId: 'hummingbot/monitoring', SecretString };
        await prod.secretsManager().send(new PutSecretValueCommand(about));
      },
      what: /^changed AWS secret hummingbot\/monitoring$/u,
      cause: /./u,
    },
    {
      name: 'a secret in AWS that nobody knows',
      by: 'drift',
      plant: async () => {
        const about = { Name: 'hummingbot/mine', SecretString: made('unknown in AWS') };
        await prod.secretsManager().send(new CreateSecretCommand(about));
      },
      what: /^unknown AWS secret hummingbot\/mine$/u,
      cause: /./u,
    },
    {
      name: "a loosened file's mode",
      by: 'drift',
      plant: async () => chmodSync(dev('trading/kraken_api_key'), 0o644),
      what: /^changed out\/dev\/secrets\/trading\/kraken_api_key$/u,
      cause: /^somebody loosened it: others may read the values$/u,
    },
    {
      name: 'the same, for who may read',
      by: 'access',
      plant: async () => {},
      what: /: read$/u,
      cause: /mode 0644 of .*kraken_api_key/u,
    },
    {
      name: 'an edited file',
      by: 'drift',
      plant: async () => writeFileSync(dev('trading/binance_api_key'), made('edited')),
      what: /^changed out\/dev\/secrets\/trading\/binance_api_key$/u,
      cause: /^somebody edited the file after the last up$/u,
    },
    {
      name: 'a deleted file',
      by: 'drift',
      plant: async () => rmSync(dev('database/postgres_db')),
      what: /^missing out\/dev\/secrets\/database\/postgres_db$/u,
      cause: /^somebody deleted it after the last up$/u,
    },
    {
      name: 'a file that nobody knows',
      by: 'drift',
      plant: async () => writeFileSync(dev('monitoring/mine'), made('unknown file')),
      what: /^unknown out\/dev\/secrets\/monitoring\/mine$/u,
      cause: /^somebody put it there$/u,
    },
    {
      name: 'a Swarm secret that nobody knows',
      by: 'drift',
      plant: async () => {
        const body = {
          Name: 'mine',
          Labels: { 'hummingbot-secrets.stack': 'prod' },
          Data: Buffer.from(made('in the swarm')).toString('base64'),
        };
        await swarm.api.post('/secrets/create', { body });
      },
      what: /^unknown Docker secret mine$/u,
      cause: /./u,
    },
    {
      name: "somebody else's Swarm service that mounts a key",
      by: 'access',
      plant: async () => {
        const [secret] = await swarm.secrets();
        const words = ['--replicas', '0', '--secret', secret?.name ?? '', 'busybox'];
        const flags = ['--detach', '--no-resolve-image', '--name', 'spy'];
        const { code, stderr } = swarm.docker('service', 'create', ...flags, ...words);
        assert.equal(code, 0, stderr);
      },
      what: /^service spy: mount$/u,
      cause: /^service spy$/u,
    },
    {
      name: "another namespace's service account that may do all",
      by: 'access',
      plant: async () => await makeAccount(prod, 'spies', 'spy', 'everything'),
      what: /^ServiceAccount:spies\/spy: /u,
      cause: /^RoleBinding hummingbot\/spy of ClusterRole everything/u,
    },
    {
      name: 'a command in the pod of the bot, by somebody who may',
      by: 'audit',
      plant: async () => await spy('exec', await pod(), '--', 'true'),
      what: /^ServiceAccount:spies\/spy: \w+ pods\/exec /u,
      cause: /^done from /u,
    },
    {
      name: 'a read of all Secrets, by somebody who may',
      by: 'audit',
      plant: async () => await spy('get', 'secrets', '-o', 'name'),
      what: /^ServiceAccount:spies\/spy: list all secrets$/u,
      cause: /^done from /u,
    },
    {
      name: 'a value in the clear in a stack file',
      by: 'leaks',
      plant: async () => {
        const text = `  hummingbot-secrets:monitoring:\n    datadog_api_key: ${made('in the clear')}\n`;
        appendFileSync(checkout.path('Pulumi.staging.yaml'), text);
      },
      what: /^Pulumi\.staging\.yaml:\d+$/u,
      cause: /./u,
    },
  ];

  it('are none on clean stacks: no false alarm by any command', async () => {
    assert.deepEqual((await findings()).map(shown), []);
  });

  it('are found, each by the command that should, with its cause and its fix', async () => {
    let found: readonly Found[] = [];
    // The operator would mend some of it before anybody looks.
    await prod.paused('external-secrets', async () => {
      for (const { plant } of violations) await plant();
      // The API server writes its log behind its answers.
      const spied = /"verb":"list"[^\n]*system:serviceaccount:spies:spy/u;
      await eventually(10, async () => spied.test(String(prod.logs().get('audit.log'))));
      found = await findings();
    });
    const matches = ({ by, what, cause }: Violation, each: Found): boolean =>
      each.by === by && what.test(each.what) && cause.test(each.cause);
    for (const { by, name } of violations) console.log(`      npm run ${by}: ${name}`);
    const missed = violations.filter((each) => !found.some((one) => matches(each, one)));
    assert.deepEqual(
      missed.map(({ name }) => name),
      [],
      found.map(shown).join('\n'),
    );
    const strange = found.filter(
      (each) => !violations.some((one) => matches(one, each) || one.also?.test(each.what)),
    );
    assert.deepEqual(strange.map(shown), []);
    assert.ok(found.every(({ cause, fix }) => cause !== '' && fix !== ''));
    assert.ok(violations.length >= 20);
  });

  it('leave no value in anything that is said of them', () => {
    assert.ok(said.length > 10);
    assert.deepEqual(leaks(said.join('\n'), values), []);
  });
});
