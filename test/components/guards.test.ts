/** Wrong or missing ids are refused in one line, before any resource but the providers. */
import assert from 'node:assert/strict';
import * as pulumi from '@pulumi/pulumi';
import { leaks } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { ids, runProgram, token, vaultIds } from '../program-run.ts';
import { type Answers, mocked, Recorder } from '../recorder.ts';

const canaries = new Map([...canaryValues(), ['kubeconfig', token] as const]);
const identity = 'aws:index/getCallerIdentity:getCallerIdentity';
const role = 'aws:iam/getRole:getRole';
const cluster = 'hummingbot:index:getCluster';
const deleted = 'hummingbot:index:getDeletedSecrets';
const swarm = 'hummingbot:index:getSwarm';
const vault = 'hummingbot:index:getVault';
const other = '999999999999';
/** Prod in a swarm. */
const inSwarm = {
  targets: ['swarm'],
  swarmId: mocked.swarm,
  swarmNode: 'node00node00node00node000',
};
const unfit = {
  what: 'dockerHost',
  got: 'an engine that is in no swarm',
  allowed: "a manager of the stack's swarm",
  fix: 'docker swarm init',
};
const caller = (arn: string, accountId: string = mocked.account): Answers => ({
  [identity]: { accountId, arn },
});

interface Case {
  readonly name: string;
  readonly answers?: Answers;
  readonly settings?: Record<string, unknown>;
  readonly line: RegExp;
  /** What may be registered before. */
  readonly providers?: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'another account',
    answers: caller(`arn:aws:sts::${other}:assumed-role/${mocked.role}/s`, other),
    line: /^account: got 999999999999; allowed: 210987654321; fix: aws sts get-caller-identity shows yours; nothing was changed$/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'an account that the provider itself refuses',
    answers: {
      [identity]: new Error('configuring AWS:\nAWS account ID not allowed: 999999999999'),
    },
    line: /^account: got no answer \(.*not allowed: 999999999999\); allowed: 210987654321; fix: aws sts/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'a caller that is a user',
    answers: caller(`arn:aws:iam::${mocked.account}:user/somebody`),
    line: /^deployRoles: got a caller that is no role: arn:aws:iam::210987654321:user\/somebody; allowed: .*role\/ci\/hummingbot-deploy; fix: take a role/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'a caller whom its own policy would lock out, with the line that lists it',
    answers: caller(`arn:aws:sts::${mocked.account}:assumed-role/visitor/s`),
    line: /^deployRoles: got role visitor, .*; fix: pulumi config set --path 'deployRoles\[1\]' "\$\(aws iam get-role --role-name visitor --query Role\.Arn --output text\)" --stack prod; nothing was changed$/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'a role whose name only ends like one that deploys',
    answers: caller(`arn:aws:sts::${mocked.account}:assumed-role/deploy/s`),
    line: /^deployRoles: got role deploy, /,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'a role that is listed by another path, which its own policy would lock out',
    answers: { [role]: { arn: `arn:aws:iam::${mocked.account}:role/cd/${mocked.role}` } },
    line: /^deployRoles: got role arn:aws:iam::210987654321:role\/cd\/hummingbot-deploy, which its own policy would lock out; allowed: arn:aws:iam::210987654321:role\/ci\/hummingbot-deploy; fix: pulumi config set --path 'deployRoles\[0\]' "\$\(aws iam get-role --role-name hummingbot-deploy --query Role\.Arn --output text\)" --stack prod; nothing was changed$/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'a role that may not ask for its own path',
    answers: { [role]: new Error('operation error IAM: GetRole, AccessDenied: not authorized') },
    line: /^deployRoles: got no answer \(.*AccessDenied.*\); allowed: role hummingbot-deploy, which may ask IAM for its own path; fix: allow it iam:GetRole on arn:aws:iam::210987654321:role\/ci\/hummingbot-deploy; nothing was changed$/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'another cluster',
    answers: { [cluster]: { uid: '11111111-2222-4333-8444-555555555555', server: 'x' } },
    line: /^cluster: got 11111111-2222-4333-8444-555555555555; allowed: 0b1c2d3e-.*; fix: .*kubectl --context ours get namespace kube-system/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'a cluster that does not answer',
    answers: { [cluster]: new Error('connect ECONNREFUSED 192.0.2.1:6443') },
    line: /^cluster: got no answer \(connect ECONNREFUSED 192\.0\.2\.1:6443\); allowed: 0b1c2d3e-.*; fix: kubectl --context ours cluster-info/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'names that wait for their deletion, with the command that has them back',
    answers: { [deleted]: { deleted: ['hummingbot/trading', 'hummingbot/monitoring'] } },
    line: /^hummingbot\/trading, hummingbot\/monitoring: got scheduled for deletion .*; fix: npm run restore -- --stack prod; nothing was changed$/,
    providers: ['pulumi:providers:aws'],
  },
  {
    name: 'another swarm',
    answers: { [swarm]: { id: 'other0other0other0other00', mistake: unfit } },
    settings: inSwarm,
    line: /^swarmId: got other0other0other0other00; allowed: swarm0swarm0swarm0swarm00; fix: pulumi config set dockerHost HOST --stack prod; docker --host unix:\/\/\/var\/run\/docker\.sock info --format '\{\{\.Swarm\.Cluster\.ID\}\}' shows the id; nothing was changed$/,
  },
  {
    name: 'an engine that is in no swarm',
    answers: { [swarm]: { id: '', mistake: unfit } },
    settings: inSwarm,
    line: /^dockerHost: got an engine that is in no swarm; allowed: a manager of the stack's swarm; fix: docker swarm init; nothing was changed$/,
  },
  {
    name: 'a Docker host that says nothing of use',
    answers: { [swarm]: new Error('Docker GET /info: got 500') },
    settings: inSwarm,
    line: /^dockerHost: got no answer \(Docker GET \/info: got 500\); allowed: a manager; fix: docker --host unix:/,
  },
  {
    name: 'no swarm and no node, with the commands that find them on its host',
    settings: { ...inSwarm, swarmId: '', swarmNode: '', dockerHost: 'ssh://me@far' },
    line: /^ {2}swarmId: got nothing; allowed: the cluster id of a swarm; fix: pulumi config set swarmId "\$\(docker --host ssh:\/\/me@far info --format '\{\{\.Swarm\.Cluster\.ID\}\}'\)" --stack prod\n {2}swarmNode: got nothing; .*NodeID/m,
  },
  {
    name: 'an image by tag alone in a protected stack of a swarm',
    settings: { ...inSwarm, image: 'hummingbot/hummingbot:version-2.16.0' },
    line: /^ {2}image: got .* in a protected stack; /m,
  },
  {
    name: 'another Vault',
    answers: { [vault]: { id: other, owners: [] } },
    settings: vaultIds,
    line: /^vaultId: got 999999999999; allowed: 1c2d3e4f-.*; fix: pulumi config set vaultAddress URL --stack prod; vault status -address=https:\/\/vault\.example\.org:8200 -format=json shows its cluster_id; nothing was changed$/,
  },
  {
    name: 'a Vault that does not answer',
    answers: { [vault]: new Error('Vault https://vault.example.org:8200: got ECONNREFUSED') },
    settings: vaultIds,
    line: /^vaultAddress: got no answer \(.*ECONNREFUSED\); allowed: a Vault that answers; fix: vault status -address=https:\/\/vault\.example\.org:8200; nothing was changed$/,
  },
  {
    name: 'a Vault that cannot be used as it is, in the words of whoever looked',
    answers: {
      [vault]: {
        id: '',
        owners: [],
        mistake: {
          what: 'vaultAddress',
          got: 'a sealed Vault',
          allowed: 'an unsealed one',
          fix: 'vault operator unseal',
        },
      },
    },
    settings: vaultIds,
    line: /^vaultAddress: got a sealed Vault; allowed: an unsealed one; fix: vault operator unseal; nothing was changed$/,
  },
  {
    name: 'a path in Vault that another stack writes',
    answers: {
      [vault]: {
        id: mocked.vault,
        owners: [
          { name: 'hummingbot/infrastructure', stack: 'prod' },
          { name: 'hummingbot/trading', stack: 'staging' },
        ],
      },
    },
    settings: vaultIds,
    line: /^prefix: got secret\/hummingbot\/trading, which stack staging writes; allowed: a path of its own for each stack; fix: pulumi config set prefix hummingbot-prod --stack prod; nothing was changed$/,
  },
  {
    name: 'no account',
    settings: { account: '' },
    line: /^ {2}account: got nothing; allowed: the 12 digits of an AWS account; fix: pulumi config set account "\$\(aws sts get-caller-identity --query Account --output text\)" --stack prod$/m,
  },
  {
    name: 'an account that is none',
    settings: { account: '12345678901' },
    line: /^ {2}account: got "12345678901"; allowed: the 12 digits/m,
  },
  {
    name: 'no cluster',
    settings: { cluster: '' },
    line: /^ {2}cluster: got nothing; allowed: the UID .*; fix: pulumi config set cluster "\$\(kubectl --context ours get namespace kube-system -o 'jsonpath=\{\.metadata\.uid\}'\)" --stack prod$/m,
  },
  {
    name: 'a cluster that is no UID',
    settings: { cluster: 'our-cluster' },
    line: /^ {2}cluster: got "our-cluster"; allowed: the UID/m,
  },
  {
    name: 'no issuer',
    settings: { issuer: '' },
    line: /^ {2}issuer: got nothing; .*kubectl --context ours get --raw \/\.well-known\/openid-configuration/m,
  },
  {
    name: 'no context',
    settings: { kubeContext: '' },
    line: /^ {2}kubeContext: got nothing; allowed: a context with its cluster and user: theirs, ours; fix: /m,
  },
  {
    name: 'a context that is not there',
    settings: { kubeContext: 'our' },
    line: /^ {2}kubeContext: got "our"; allowed: .*theirs, ours; fix: /m,
  },
  {
    name: 'an image by tag alone in a protected stack',
    settings: { image: 'hummingbot/hummingbot:version-2.16.0' },
    line: /^ {2}image: got .* in a protected stack; .*; fix: pulumi config set image "hummingbot\/hummingbot:version-2\.16\.0@\$\(docker buildx imagetools inspect hummingbot\/hummingbot:version-2\.16\.0 --format '\{\{\.Manifest\.Digest\}\}'\)" --stack prod$/m,
  },
];

describe('the guards of prod', () => {
  for (const { name, answers, settings, line, providers = [] } of cases) {
    for (const preview of [true, false]) {
      it(`refuse ${name}, ${preview ? 'in a preview' : 'in an up'}`, async () => {
        const recorder = new Recorder('seed', answers);
        const run = runProgram('prod', preview, canaryValues(), recorder, { ...ids, ...settings });
        await assert.rejects(run, (error: Error) => {
          assert.ok(pulumi.RunError.isInstance(error), error.stack);
          assert.match(error.message, line);
          assert.deepEqual(leaks(error.message, canaries), []);
          return true;
        });
        await new Promise((settle) => setTimeout(settle, 50));
        assert.deepEqual(
          recorder.registrations.map(({ type }) => type),
          providers,
        );
      });
    }
  }

  it('ask before anything is registered but the providers', async () => {
    const { recorder } = await runProgram('prod', false, canaryValues());
    assert.deepEqual([...recorder.calls].sort(), [identity, role, cluster, deleted].sort());
  });

  it('ask a swarm before anything is registered but the provider', async () => {
    const { recorder } = await runProgram('prod', false, canaryValues(), new Recorder(), {
      ...ids,
      ...inSwarm,
    });
    assert.deepEqual(recorder.calls, [swarm]);
    const [first, ...more] = recorder.registrations.filter(({ type }) =>
      type.startsWith('pulumi:providers:'),
    );
    assert.deepEqual([first?.type, more], ['pulumi:providers:docker', []]);
    assert.ok(recorder.registrations.every(({ type }) => !/aws|kubernetes/u.test(type)));
  });

  it('refuse variables that would lead the provider to another engine', async () => {
    process.env.DOCKER_CONTEXT = 'theirs';
    try {
      const given = { ...ids, ...inSwarm };
      const run = runProgram('prod', false, canaryValues(), new Recorder(), given);
      await assert.rejects(run, {
        message:
          'DOCKER_CONTEXT: got a variable that leads to an engine or its certificates; allowed: none: dockerHost and dockerCertPath say which; fix: unset DOCKER_CONTEXT; nothing was changed',
      });
    } finally {
      delete process.env.DOCKER_CONTEXT;
    }
  });

  it('ask nothing for a stack of files', async () => {
    const { recorder } = await runProgram('dev', false, canaryValues());
    assert.deepEqual(recorder.calls, []);
    assert.ok(recorder.registrations.every(({ type }) => !/aws|kubernetes/u.test(type)));
  });
});
