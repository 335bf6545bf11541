/** The pod as it is asked for; that a kubelet runs it so is proven by the rehearsal. */
import assert from 'node:assert/strict';
import { entryOf } from '../../../components/catalog.ts';
import { canaryValues } from '../../canary-values.ts';
import { guideKeys, guideKeysOf } from '../../guide-keys.ts';
import { ids, type Run, runProgram, token } from '../../program-run.ts';
import { Recorder, secretOf } from '../../recorder.ts';

const deployment = 'kubernetes:apps/v1:Deployment';
const rollout = 'hummingbot:index:Rollout';
const claim = 'kubernetes:core/v1:PersistentVolumeClaim';
const canaries = canaryValues();

interface Container {
  readonly image: string;
  readonly env: readonly { name: string; value?: string; valueFrom?: { secretKeyRef: object } }[];
  readonly volumeMounts: readonly { name: string; mountPath: string; readOnly?: boolean }[];
  readonly securityContext: object;
  readonly [other: string]: unknown;
}
interface Volume {
  readonly name: string;
  readonly secret?: {
    secretName: string;
    defaultMode: number;
    items: { key: string; path: string }[];
  };
  readonly emptyDir?: object;
  readonly persistentVolumeClaim?: object;
}
interface Spec {
  readonly template: {
    readonly metadata: { labels: Record<string, string>; annotations: Record<string, string> };
    readonly spec: {
      readonly containers: readonly Container[];
      readonly initContainers: readonly Container[];
      readonly volumes: readonly Volume[];
      readonly [other: string]: unknown;
    };
  };
  readonly [other: string]: unknown;
}

function specOf(run: Run): Spec {
  return run.recorder.one(deployment).inputs.spec as Spec;
}

function podOf(run: Run): Spec['template']['spec'] & { readonly container: Container } {
  const { spec } = specOf(run).template;
  const [container, ...more] = spec.containers;
  assert.ok(container !== undefined && more.length === 0);
  return { ...spec, container };
}

describe("the bot's Deployment", () => {
  let run: Run;
  before(async () => {
    run = await runProgram('prod', false, canaries);
  });

  it('is one replica that goes before the next one comes, with time to cancel its orders', () => {
    const { replicas, strategy, minReadySeconds, selector, template } = specOf(run);
    assert.equal(replicas, 1);
    assert.deepEqual(strategy, { type: 'Recreate' });
    assert.ok(Number(minReadySeconds) >= 5);
    assert.equal(template.spec.terminationGracePeriodSeconds, 120);
    assert.deepEqual(selector, { matchLabels: { 'app.kubernetes.io/name': 'hummingbot' } });
    assert.equal(template.metadata.labels['app.kubernetes.io/name'], 'hummingbot');
    assert.equal(template.metadata.labels['app.kubernetes.io/instance'], 'prod');
  });

  it('is admitted under `restricted` and has no token of the cluster', () => {
    const { container, ...pod } = podOf(run);
    assert.equal(pod.serviceAccountName, 'hummingbot');
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.enableServiceLinks, false);
    assert.deepEqual(pod.securityContext, {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const word of ['hostNetwork', 'hostPID', 'hostPath', 'privileged'])
      assert.ok(!JSON.stringify(pod).includes(word), word);
  });

  it('mounts the groups and keys that the catalog gives the bot, read-only, and no other', () => {
    const { container, volumes } = podOf(run);
    const secrets = volumes.filter(({ secret }) => secret !== undefined);
    assert.deepEqual(
      secrets.map(({ name }) => name),
      ['trading-secrets'],
    );
    const [volume] = secrets;
    assert.match(volume?.secret?.secretName ?? '', /^hummingbot-trading-keys-[0-9a-f]{8}$/);
    assert.equal(volume?.secret?.defaultMode, 0o400);
    assert.deepEqual(
      volume?.secret?.items,
      guideKeys
        .filter((key) => entryOf(key).consumers.includes('hummingbot'))
        .map((key) => ({ key, path: key })),
    );
    assert.deepEqual(
      container.volumeMounts.find(({ name }) => name === 'trading-secrets'),
      { name: 'trading-secrets', mountPath: '/etc/secrets/trading', readOnly: true },
    );
  });

  it('names files in its environment, and holds no value there', () => {
    const { env } = podOf(run).container;
    assert.deepEqual(env[0], { name: 'HOME', value: '/tmp' });
    assert.deepEqual(
      env.slice(1),
      guideKeysOf('trading').map((key) => ({
        name: `${key.toUpperCase()}_FILE`,
        value: `/etc/secrets/trading/${key}`,
      })),
    );
  });

  it('reads values from the Secret where the group says so, and then no *_FILE', async () => {
    const settings = { ...ids, groups: { trading: { env: 'values' } } };
    const other = await runProgram('prod', false, canaries, new Recorder(), settings);
    const { container, volumes } = podOf(other);
    const [volume] = volumes;
    assert.deepEqual(
      container.env.slice(1),
      guideKeysOf('trading').map((key) => ({
        name: key.toUpperCase(),
        valueFrom: { secretKeyRef: { name: volume?.secret?.secretName, key } },
      })),
    );
  });

  it('writes where it must, and what may hold a secret stays in memory', () => {
    const { container, volumes } = podOf(run);
    const at = Object.fromEntries(
      container.volumeMounts.map((each) => [each.mountPath, each.name]),
    );
    const memory = volumes.flatMap(({ name, emptyDir }) =>
      emptyDir !== undefined && 'medium' in emptyDir ? [name] : [],
    );
    assert.deepEqual(memory, ['conf', 'run', 'tmp']);
    assert.equal(at['/run/hummingbot'], 'run');
    assert.equal(at['/home/hummingbot/conf'], 'conf');
    assert.equal(at['/home/hummingbot/logs'], 'logs');
    assert.equal(at['/tmp'], 'tmp');
    for (const { emptyDir } of volumes)
      if (emptyDir !== undefined) assert.ok('sizeLimit' in emptyDir);
  });

  it('materialises first, in the same image, with the same Secrets, and without its data', () => {
    const { container, initContainers } = podOf(run);
    const [init, ...more] = initContainers;
    assert.ok(init !== undefined && more.length === 0);
    assert.equal(init.name, 'materialise');
    assert.equal(init.image, container.image);
    assert.deepEqual(init.env, container.env);
    assert.deepEqual(init.securityContext, container.securityContext);
    const own = ['logs', 'data'];
    assert.deepEqual(
      init.volumeMounts,
      container.volumeMounts.filter(({ name }) => !own.includes(name)),
    );
    assert.match(String(init.command), /materialise\.py/);
    assert.match(String(container.command), /launch\.py hummingbot\.cli\.engine;/);
  });

  it('is ready by the mark of its launcher, and killed by no probe', () => {
    const { container } = podOf(run);
    assert.deepEqual(container.readinessProbe, {
      exec: { command: ['test', '-e', '/run/hummingbot/ready'] },
      periodSeconds: 2,
    });
    assert.equal(container.livenessProbe, undefined);
  });

  it('is preceded by a preflight that is the init container alone, and no pod of the bot', () => {
    const { inputs, options } = run.recorder.one('hummingbot:index:Preflight');
    const { template } = inputs.job as Spec;
    const { containers, volumes, ...pod } = template.spec;
    assert.deepEqual(containers, podOf(run).initContainers);
    assert.deepEqual(
      volumes.map(({ name }) => name),
      ['trading-secrets', 'program', 'conf', 'run', 'tmp'],
    );
    assert.equal(pod.restartPolicy, 'Never');
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(template.metadata.labels, undefined);
    assert.deepEqual(template.metadata.annotations, specOf(run).template.metadata.annotations);
    assert.equal((inputs.labels as Record<string, string>)['app.kubernetes.io/name'], undefined);
    for (const group of ['trading', 'infrastructure', 'monitoring']) {
      const secret = `kubernetes:external-secrets.io/v1:ExternalSecret ${group}-external-secret`;
      assert.ok(options.dependencies.includes(secret));
    }
    const moved = run.recorder.one(deployment).options.dependencies;
    assert.ok(moved.includes('hummingbot:index:Preflight hummingbot-preflight'));
  });

  it('keeps its data on a claim that one pod alone can have', () => {
    const { volumes } = podOf(run);
    assert.deepEqual(
      volumes.find(({ name }) => name === 'data'),
      { name: 'data', persistentVolumeClaim: { claimName: 'hummingbot-data' } },
    );
    assert.deepEqual(run.recorder.one(claim).inputs.spec, {
      accessModes: ['ReadWriteOncePod'],
      storageClassName: 'gp3',
      resources: { requests: { storage: '5Gi' } },
    });
  });

  it('forgets its data with its pod only where the stack is not protected', async () => {
    const settings = { ...ids, storageClass: '' };
    const staging = await runProgram('staging', false, canaries, new Recorder(), settings);
    assert.deepEqual(staging.recorder.of(claim), []);
    const data = podOf(staging).volumes.find(({ name }) => name === 'data');
    assert.deepEqual(data, { name: 'data', emptyDir: { sizeLimit: '1Gi' } });
    await assert.rejects(
      runProgram('prod', false, canaries, new Recorder(), settings),
      /storageClass: got nothing in a protected stack; allowed: a StorageClass, /,
    );
  });

  it('has the tags of what it uses in one annotation, and of nothing else', () => {
    const { annotations } = specOf(run).template.metadata;
    assert.deepEqual(annotations, {
      'hummingbot-secrets/tags': JSON.stringify({ trading: run.tags.trading?.group }),
    });
  });

  it('moves when its Secrets are there, and is awaited by the gate alone', () => {
    const { options, inputs } = run.recorder.one(deployment);
    const { annotations } = inputs.metadata as { annotations: Record<string, string> };
    assert.deepEqual(annotations, { 'pulumi.com/waitFor': 'jsonpath={.metadata.uid}' });
    for (const group of ['trading', 'infrastructure', 'monitoring'])
      assert.ok(
        options.dependencies.includes(
          `kubernetes:external-secrets.io/v1:ExternalSecret ${group}-external-secret`,
        ),
      );
    const gate = run.recorder.one(rollout);
    assert.ok(gate.options.dependencies.includes(`${deployment} hummingbot`));
    assert.equal(gate.inputs.namespace, 'hummingbot');
    assert.equal(gate.inputs.name, 'hummingbot');
    assert.equal(gate.inputs.generation, 3);
  });

  it('hands the gate the kubeconfig of one context, as a secret, with absolute paths', () => {
    const text = secretOf(run.recorder.one(rollout).inputs.kubeconfig);
    assert.equal(text, secretOf(run.recorder.one('pulumi:providers:kubernetes').inputs.kubeconfig));
    assert.ok(text.includes(token));
    assert.ok(!text.includes('other'));
    assert.match(text, /certificate-authority: \/.*\/ca$/m);
  });
});
