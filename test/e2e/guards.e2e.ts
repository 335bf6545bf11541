/**
 * Wrong and missing ids through the real engine, with real servers to write to: one line, and not
 * one write. The stack is not up yet, so everything is still to be written.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { becomeRole } from '../../rehearsal/servers/aws-role.ts';
import { leaks } from '../canary.ts';
import { shownRequest } from './audit-log.ts';
import type { Result } from './checkout.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

interface Case {
  readonly name: string;
  /** Settings as they are then; undefined takes one away. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly environment?: () => Promise<NodeJS.ProcessEnv>;
  readonly line: RegExp;
}

const otherUid = '11111111-2222-4333-8444-555555555555';

describe('guards in front of real servers', () => {
  const stack = new RehearsedStack('prod');
  const committed = stack.checkout.path('Pulumi.prod.yaml');
  let settings: string;
  let path: string;

  const cases: readonly Case[] = [
    {
      name: 'another account',
      settings: { account: '999999999999', deployRoles: [] },
      // Said by the provider, which has the stack's account too.
      line: /^account: got .*123456789012.*; allowed: 999999999999; fix: aws sts get-caller-identity shows yours; nothing was changed$/u,
    },
    {
      name: 'another cluster',
      settings: { cluster: otherUid },
      line: new RegExp(
        `^cluster: got [0-9a-f-]{36}; allowed: ${otherUid}; fix: .*kubectl --context rehearsal get namespace kube-system .*; nothing was changed$`,
        'u',
      ),
    },
    {
      name: 'no account',
      settings: { account: undefined },
      line: /^account: got nothing; allowed: the 12 digits of an AWS account; fix: .*"\$\(aws sts get-caller-identity --query Account --output text\)" --stack prod$/u,
    },
    {
      name: 'no cluster',
      settings: { cluster: undefined },
      line: /^cluster: got nothing; allowed: .*; fix: .*kubectl --context rehearsal get namespace kube-system -o 'jsonpath=\{\.metadata\.uid\}'/u,
    },
    {
      name: 'no issuer',
      settings: { issuer: undefined },
      line: /^issuer: got nothing; .*; fix: .*kubectl --context rehearsal get --raw/u,
    },
    {
      name: 'an image by tag alone',
      settings: { image: 'hummingbot/hummingbot:version-2.16.0' },
      line: /^image: got .* in a protected stack; allowed: an image pinned by digest, .*; fix: .*imagetools inspect/u,
    },
    {
      name: 'a role that is not among those that deploy',
      environment: async () =>
        await becomeRole(stack.environment.AWS_ENDPOINT_URL ?? '', 'visitor'),
      line: /^deployRoles: got role visitor, which its own policy would lock out; allowed: .*role\/rehearsal-deployer; fix: .*; nothing was changed$/u,
    },
    {
      name: 'a role that is listed by another path than its own',
      settings: { deployRoles: ['arn:aws:iam::123456789012:role/ci/rehearsal-deployer'] },
      line: /^deployRoles: got role arn:aws:iam::123456789012:role\/rehearsal-deployer, which its own policy would lock out; allowed: arn:aws:iam::123456789012:role\/ci\/rehearsal-deployer; fix: .*config set --path 'deployRoles\[0\]' .*; nothing was changed$/u,
    },
    {
      name: 'a context that is not there',
      settings: { kubeContext: 'elsewhere' },
      line: /^kubeContext: got "elsewhere"; allowed: a context .*: rehearsal; fix: /u,
    },
    {
      name: 'an API server that is away',
      environment: async () => ({ KUBECONFIG: kubeconfigOfNobody() }),
      line: /^cluster: got no answer \(.*\); allowed: [0-9a-f-]{36}; fix: kubectl --context rehearsal cluster-info.*; nothing was changed$/u,
    },
    {
      name: 'no credentials of AWS',
      environment: async () => ({
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_SESSION_TOKEN: undefined,
      }),
      line: /^account: got no answer \(.*credential.*\); allowed: 123456789012; fix: aws sts get-caller-identity shows yours; nothing was changed$/iu,
    },
  ];

  before(async function () {
    if (!canRehearse) this.skip();
    // A mistake of the committed file: the servers start, values are set, and nothing is written.
    const whole = readFileSync(committed, 'utf8');
    writeFileSync(committed, `${whole}  hummingbot-secrets:recoveryWindowDays: 1\n`);
    const { code, stdout } = await stack.rehearse('up');
    writeFileSync(committed, whole);
    assert.notEqual(code, 0);
    assert.match(stdout, /^ +recoveryWindowDays: got "1"; allowed: 7 to 30/mu);
    await stack.open();
    path = join(stack.folder, 'workspace', 'stacks', 'Pulumi.prod.yaml');
    settings = changed({ recoveryWindowDays: undefined }, readFileSync(path, 'utf8'));
    writeFileSync(path, settings);
  });
  afterEach(() => writeFileSync(path, settings));
  after(async () => await stack.end());

  function changed(more: Readonly<Record<string, unknown>>, text = settings): string {
    const document: Document = parseDocument(text);
    for (const [name, value] of Object.entries(more)) {
      const at = ['config', `hummingbot-secrets:${name}`];
      if (value === undefined) document.deleteIn(at);
      else document.setIn(at, value);
    }
    return document.toString();
  }

  /** The rehearsal's kubeconfig, with an address where nothing listens. */
  function kubeconfigOfNobody(): string {
    const config = JSON.parse(readFileSync(stack.cluster.kubeconfig, 'utf8'));
    config.clusters[0].cluster.server = 'https://127.0.0.1:1';
    const file = join(stack.checkout.temporary, 'kubeconfig');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  async function run(verb: 'up' | 'preview', environment: NodeJS.ProcessEnv): Promise<Result> {
    const flags = verb === 'up' ? ['--yes', '--skip-preview'] : [];
    const words = ['run', '--silent', 'pulumi', '--', verb, '--stack', 'prod', ...flags];
    const env = { ...stack.environment, ...environment };
    return await stack.checkout.run('npm', words, { env });
  }

  for (const { name, settings: more = {}, environment, line } of cases) {
    it(`refuse ${name}`, async () => {
      const values = await stack.values();
      const given = (await environment?.()) ?? {};
      writeFileSync(path, changed(more));
      const mark = stack.mark();
      const { code, stdout, stderr } = await run('up', given);
      const printed = `${stdout}\n${stderr}`;
      assert.notEqual(code, 0);
      const lines = printed.split('\n').map((each) => each.trim().replace(/^error: /u, ''));
      assert.ok(
        lines.some((each) => line.test(each)),
        printed,
      );
      assert.doesNotMatch(printed, /^\s+at \S+ \(|node:internal|\.ts:\d+:\d+/mu);
      const long = [...values].filter(([, value]) => value.length >= 16);
      assert.ok(long.length > 10);
      assert.deepEqual(leaks(printed, new Map(long)), []);
      assert.deepEqual(stack.deployersWrites(mark).map(shownRequest), []);
      assert.deepEqual(
        stack.awsWrites(mark).map(({ action }) => action),
        [],
      );
    });
  }

  it('let the stack through with its own ids', async () => {
    const { code, stdout, stderr } = await run('preview', {});
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /\d+ to create/u);
  });
});
