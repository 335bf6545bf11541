/**
 * Who may do what in the cluster of a rehearsed prod, asked of its API server cell by cell, and ways
 * out through the External Secrets Operator, tried on the real one. Linux and root.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { GetRoleCommand, GetRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
} from '@aws-sdk/client-secrets-manager';
import type { SecretKey } from '../../components/catalog.ts';
import { readRequests } from '../../rehearsal/servers/aws-requests.ts';
import { apply, eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { type Answer, ask, type Document, type Policies } from '../aws-authority.ts';
import { leaks, makeCanary } from '../canary.ts';
import { again, fuzzSeed } from '../fuzz-seed.ts';
import type { Result } from './checkout.ts';
import { type Attempt, attempts, type End, foreign, own } from './escape-attempts.ts';
import { disagreements, type Names, readers } from './rbac-matrix.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';
import { ValuesInCluster } from './values-in-cluster.ts';

/** With a path, as CI's roles often have. */
const deployRole = 'ci/deploy';
/** The rehearsal's issuer is an address, which the evaluator of policies does not know. */
const knownIssuer = 'accounts.google.com';

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface Status {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** For the names of the tests, which are there before the stack. */
const nowhere = { trading: '', role: '', apiServer: '' };

describe('permissions of a rehearsed prod', () => {
  const prod = new RehearsedStack('prod');
  const { namespace } = prod;
  /** Of the secrets in AWS that are not of this stack. */
  const strange = makeCanary('foreign');
  let names: Names;
  let policies: Policies;
  let tried: readonly Attempt[];
  let values: ReadonlyMap<string, string>;
  const refusals = new Map<Attempt, Result>();

  before(async function () {
    if (!canRehearse) this.skip();
    prod.commit('readers', readers);
    prod.commit('deployRoles', [`arn:aws:iam::999999999999:role/${deployRole}`]);
    await prod.start();
    const before = await secretOfNow();
    await prod.set('kraken_api_key', makeCanary('rotated'));
    const { code, stdout, stderr } = await prod.up();
    assert.equal(code, 0, stdout + stderr);
    values = new Map([...(await prod.values())].filter(([, value]) => value.length >= 16));
    const { spec, metadata } = await prod.pod();
    const program = spec?.volumes?.find(({ configMap }) => configMap)?.configMap?.name ?? '';
    names = { trading: await secretOfNow(), before, program, pod: metadata?.name ?? '' };
    policies = await policiesThere();
    await tryAll();
  });
  after(async () => {
    if (canRehearse) await prod.end();
    else prod.checkout.remove();
  });

  async function secretOfNow(): Promise<string> {
    const { items } = await prod.access.core.listNamespacedSecret({ namespace });
    const found = items.map(({ metadata }) => metadata?.name ?? '');
    const [name, ...more] = found.filter((each) => each.startsWith('hummingbot-trading-keys-'));
    assert.ok(name !== undefined && more.length === 0, found.join());
    return name;
  }

  /** What the stack has told AWS, as AWS has it. */
  async function policiesThere(): Promise<Policies> {
    const { environment } = prod;
    const options = {
      region: 'us-east-1',
      endpoint: environment.AWS_ENDPOINT_URL ?? '',
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
        sessionToken: environment.AWS_SESSION_TOKEN ?? '',
      },
    };
    const [iam, kms, secrets] = [
      new IAMClient(options),
      new KMSClient(options),
      prod.secretsManager(),
    ];
    const parsed = (text = ''): Document => JSON.parse(text) as Document;
    const RoleName = 'hummingbot-prod-secrets-reader';
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    const { PolicyDocument } = await iam.send(
      new GetRolePolicyCommand({ RoleName, PolicyName: 'read-secrets' }),
    );
    const { ARN = '', KmsKeyId } = await secrets.send(
      new DescribeSecretCommand({ SecretId: 'hummingbot/trading' }),
    );
    const { ResourcePolicy } = await secrets.send(new GetResourcePolicyCommand({ SecretId: ARN }));
    const { Policy } = await kms.send(
      new GetKeyPolicyCommand({ KeyId: KmsKeyId, PolicyName: 'default' }),
    );
    const issuer = prod.cluster.issuer.replace('https://', '');
    return {
      secrets: { [ARN]: parsed(ResourcePolicy) },
      key: { arn: KmsKeyId ?? '', policy: parsed(Policy) },
      reader: {
        arn: Role?.Arn ?? '',
        trust: parsed(
          decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '').replaceAll(issuer, knownIssuer),
        ),
        permissions: parsed(decodeURIComponent(PolicyDocument ?? '')),
      },
    };
  }

  /** The people, and then all that they try, one after another. */
  async function tryAll(): Promise<void> {
    const role = (name: string, at: string, ref: string, kind = 'ClusterRole'): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace: at },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: ref },
      subjects: [{ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' }],
    });
    await apply(prod.access, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: own } },
      role('mallory', own, 'cluster-admin'),
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'makes-external-secrets', namespace },
        rules: [
          {
            apiGroups: ['external-secrets.io'],
            resources: ['externalsecrets'],
            verbs: ['create', 'get', 'patch'],
          },
        ],
      },
      role('ivan', namespace, 'makes-external-secrets', 'Role'),
    ]);
    for (const Name of foreign) {
      const SecretString = JSON.stringify({ key: strange });
      await prod.secretsManager().send(new CreateSecretCommand({ Name, SecretString }));
    }
    const { reader } = policies;
    tried = attempts({ trading: names.trading, role: reader.arn, apiServer: prod.cluster.server });
    for (const attempt of tried) refusals.set(attempt, await make(attempt));
  }

  async function make({ by, objects }: Attempt): Promise<Result> {
    const as = ['--as', by, ...(by === 'deployer' ? [] : ['--as-group', 'system:authenticated'])];
    if (objects.length === 0) {
      return await prod.kubectl('create', 'token', 'hummingbot-secrets-reader', ...as);
    }
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    return await prod.run('kubectl', ['apply', '--server-side', ...as, '-f', '-'], list);
  }

  it('are exactly as the table says, cell by cell, after a rotation', async () => {
    const { asked, cells } = await disagreements(prod.access, names);
    assert.ok(asked >= 300, `${asked}`);
    assert.deepEqual(cells, []);
  });

  it('are asked so that a right too many is seen', async () => {
    const apiGroup = 'rbac.authorization.k8s.io';
    const metadata = { name: 'too-many', namespace };
    const resourceNames = [names.trading];
    const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames, verbs: ['get'] }];
    await apply(prod.access, [
      { apiVersion: `${apiGroup}/v1`, kind: 'Role', metadata, rules },
      {
        apiVersion: `${apiGroup}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup, kind: 'Role', name: metadata.name },
        subjects: [{ kind: 'User', name: 'eve', apiGroup }],
      },
    ]);
    let seen: readonly string[] = [];
    const found = await eventually(10, async () => {
      seen = (await disagreements(prod.access, names)).cells;
      return seen.length > 0;
    });
    assert.ok(found);
    assert.deepEqual(seen, ['human get secrets trading in hummingbot: +, expected -']);
    assert.equal((await prod.kubectl('delete', 'rolebinding,role', metadata.name)).code, 0);
  });

  it('of the accounts of the stack are those of any account, whatever the verb', async () => {
    const rulesOf = async (account: string): Promise<string> => {
      const as = `--as=system:serviceaccount:${account}`;
      const { code, stdout } = await prod.kubectl('auth', 'can-i', '--list', as);
      assert.equal(code, 0);
      return stdout.split('\n').sort().join('\n');
    };
    const any = await rulesOf('default:default');
    assert.match(any, /selfsubjectreviews/u);
    assert.doesNotMatch(any, /secrets|serviceaccounts\/token/u);
    for (const name of ['hummingbot', 'hummingbot-secrets-reader', 'default']) {
      assert.equal(await rulesOf(`${namespace}:${name}`), any, name);
    }
    assert.match(await rulesOf('watch:alertmanager'), /hummingbot-monitoring/u);
  });

  for (const [at, { name, by, ends, barrier }] of attempts(nowhere).entries()) {
    it(`${by} ${name}: ${ends} (${barrier})`, async () => {
      const attempt = tried[at];
      assert.ok(attempt !== undefined);
      await checks[ends](attempt);
    });
  }

  it('have left the Secrets of the bot as they were, but for what nothing stops', async () => {
    const { data = {} } = await prod.access.core.readNamespacedSecret({
      namespace,
      name: names.trading,
    });
    const all = await prod.values();
    for (const [key, value] of Object.entries(data)) {
      assert.ok(Buffer.from(value, 'base64').toString() === all.get(key as SecretKey), key);
    }
    assert.ok(Object.keys(data).length >= 9);
    // Who has the values, of all that she has: the emulator's gift, and the old operator's.
    const { items } = await prod.access.core.listNamespacedSecret({ namespace: own });
    const holding = items.filter((each) => leaks(JSON.stringify(each), values).length > 0);
    assert.deepEqual(holding.map(({ metadata }) => metadata?.name).sort(), [
      'secret-by-template',
      'thief-with-token',
    ]);
  });

  const checks: Readonly<Record<End, (attempt: Attempt) => Promise<void>>> = {
    forbidden: async (attempt) => {
      const { code, stderr } = refusals.get(attempt) ?? { code: 0, stderr: '' };
      assert.notEqual(code, 0);
      assert.match(stderr, /forbidden/iu);
      assert.match(stderr, attempt.says ?? /^$/u);
    },
    refused: async (attempt) => {
      made(attempt);
      const says = attempt.says ?? /^$/u;
      let events: readonly string[] = [];
      const said = await eventually(30, async () => {
        events = await eventsOf(attempt);
        return events.some((each) => says.test(each));
      });
      assert.ok(said, `${says} in: ${events.join(' | ')}`);
      assert.equal(await isSynced(attempt), false);
    },
    ignored: async (attempt) => {
      made(attempt);
      // Whoever came last has been answered, so this would have been.
      await checks.succeeds(tried.findLast(({ ends }) => ends === 'succeeds') ?? attempt);
      for (const object of attempt.objects as readonly Named[]) {
        const { status } = await read(object);
        assert.deepEqual(status ?? {}, {}, object.metadata.name);
      }
      assert.deepEqual(await eventsOf(attempt), []);
    },
    denied: async (attempt) => {
      made(attempt);
      // moto gives what it is asked for: that the request was made, and what AWS would say.
      assert.ok(await eventually(30, async () => await isSynced(attempt)));
      const { action = '', about, subject } = attempt.aws ?? {};
      const log = join(prod.folder, 'logs', 'aws-requests.jsonl');
      const asked = readRequests(log).filter((each) => each.action === action);
      assert.ok(asked.some((each) => about === undefined || each.about === about));
      assert.equal(await answerOf(action, about, subject), '-');
    },
    succeeds: async (attempt) => {
      made(attempt);
      assert.ok(await eventually(30, async () => await isSynced(attempt)));
    },
  };

  function made(attempt: Attempt): void {
    const { code, stderr } = refusals.get(attempt) ?? { code: -1, stderr: '' };
    assert.equal(code, 0, stderr);
  }

  async function read({ kind, metadata }: Named): Promise<{ status?: Status }> {
    const where = metadata.namespace === undefined ? [] : ['--namespace', metadata.namespace];
    const { stdout } = await prod.run('kubectl', [
      ...['get', kind, metadata.name, '--output=json'],
      ...where,
    ]);
    return JSON.parse(stdout) as { status?: Status };
  }

  async function isSynced({ objects }: Attempt): Promise<boolean> {
    const { status } = await read(objects.at(-1) as Named);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True';
  }

  /** What the operator said of the objects of an attempt. */
  async function eventsOf({ objects }: Attempt): Promise<readonly string[]> {
    const { items } = await prod.access.core.listEventForAllNamespaces();
    const parts = objects as readonly Named[];
    return items
      .filter(({ involvedObject: { kind, name } }) =>
        parts.some((each) => each.kind === kind && each.metadata.name === name),
      )
      .map(({ message }) => message ?? '');
  }

  /** What AWS would answer by the stack's policies. */
  async function answerOf(action: string, about?: string, subject?: string): Promise<Answer> {
    const { arn, trust, permissions } = policies.reader;
    const common = { action: action.replace('.', ':') };
    if (subject !== undefined) {
      const claims = { aud: 'sts.amazonaws.com', sub: subject };
      const provider = `arn:aws:iam::${arn.split(':')[4]}:oidc-provider/${knownIssuer}`;
      return await ask({
        ...common,
        principal: { arn: provider, identity: [] },
        resource: arn,
        policy: trust,
        context: Object.fromEntries(
          Object.entries(claims).map(([claim, value]) => [`${knownIssuer}:${claim}`, value]),
        ),
      });
    }
    const SecretId = about;
    const found =
      about && (await prod.secretsManager().send(new DescribeSecretCommand({ SecretId })));
    const resource = found ? (found.ARN ?? '') : '*';
    return await ask({
      ...common,
      principal: { arn, identity: [permissions] },
      resource,
      policy: policies.secrets[resource],
    });
  }

  it('leave random values as they are on both ways into a pod, or refuse them', async () => {
    const seed = fuzzSeed();
    const values = await ValuesInCluster.start(prod);
    try {
      for (const [target, outcome] of await values.carry({ seed, count: 200 })) {
        assert.deepEqual([...outcome.unlike], [], `${target}: ${again(seed)}`);
        assert.ok(outcome.equal > 80 && outcome.refused.size > 3, again(seed));
      }
    } finally {
      values.end();
    }
  });

  it('give the operator what it needs, by the same judge', async () => {
    const subject = `system:serviceaccount:${namespace}:hummingbot-secrets-reader`;
    const web = 'sts.AssumeRoleWithWebIdentity';
    assert.equal(await answerOf(web, policies.reader.arn, subject), '+');
    assert.equal(await answerOf('secretsmanager.GetSecretValue', 'hummingbot/trading'), '+');
  });
});
