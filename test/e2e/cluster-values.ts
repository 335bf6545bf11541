/**
 * Random values through the cluster targets: rendered by the product's own components, kept by the
 * real store and the real API server, and read inside a pod, as files and as environment variables.
 * The pod says hashes, no value.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateSecretCommand, DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import * as pulumi from '@pulumi/pulumi';
import { entryOf } from '../../components/catalog.ts';
import { AwsSecretsManager } from '../../components/delivery/aws-secrets-manager.ts';
import { ExternalSecrets } from '../../components/delivery/external-secret.ts';
import { KubernetesSecrets } from '../../components/delivery/kubernetes-secret.ts';
import type { AwsAccount } from '../../components/systems.ts';
import { SecretGroup } from '../../components/values.ts';
import { Recorder, secretOf, settled } from '../recorder.ts';
import { isReady } from './cluster-watch.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';

export const clusterTargets = ['aws-secrets-manager', 'kubernetes'] as const;
export type ClusterTargetName = (typeof clusterTargets)[number];

const seconds = 60;
const secretType = 'kubernetes:core/v1:Secret';
const store = 'aws-secrets-manager';
const aws: AwsAccount = {
  account: '123456789012',
  region: 'us-east-1',
  issuer: 'https://issuer.invalid',
  readerRole: 'reader',
  deployRoles: [],
  breakGlassRoles: [],
  recoveryWindowDays: 7,
};

type Inputs = Readonly<Record<string, unknown>>;

interface Rendered {
  readonly secret: Inputs;
  /** The JSON that AWS keeps. */
  readonly stored: string;
  readonly externalSecret: Inputs;
  /** What the mocks call the version, to be replaced by the real one. */
  readonly version: string;
}

/** Both targets' objects of a group of values, as the program registers them. */
async function render(
  name: string,
  values: readonly string[],
  { namespace }: RehearsedStack,
): Promise<Rendered> {
  const recorder = new Recorder(name);
  recorder.install('hummingbot-secrets', 'prod', false);
  // A key of the bot; the names of these are of no catalog.
  const entry = entryOf('binance_api_key');
  const keys = values.map((value, at) => [`V${at}`, value] as const);
  const group = new SecretGroup(name, {
    entries: new Map(keys.map(([key]) => [key, entry])),
    values: new Map(keys.map(([key, value]) => [key, pulumi.secret(value)])),
    placeholders: false,
    tagKey: pulumi.secret('tag-key'),
    manner: { naming: 'versioned', env: 'files' },
  });
  const place = { groups: [group], namespace, stack: 'prod', context: 'x', root: 'out' };
  const kept = new AwsSecretsManager('store', {
    ...place,
    aws,
    prefix: 'hummingbot',
    environment: 'prod',
    protect: false,
  });
  const toPulumi = { kubeconfig: pulumi.secret('{}') };
  new ExternalSecrets('synced', {
    ...place,
    ...toPulumi,
    store: { name: store, provider: {} },
    stored: kept.stored,
  });
  const { Secret } = await import('@pulumi/kubernetes/core/v1/secret.js');
  new KubernetesSecrets('native', place, (...args) => new Secret(...args));
  await settled(group.suffix);
  const wanted = `${name}-external-secret`;
  for (let tries = 0; tries < 400; tries += 1) {
    const known = recorder.registrations;
    if (known.some((each) => each.name === wanted) && recorder.of(secretType).length > 0) break;
    await sleep(5);
  }
  const version = recorder.one('aws:secretsmanager/secretVersion:SecretVersion').inputs;
  const external = recorder.registrations.find((each) => each.name === wanted)?.inputs ?? {};
  const [, made = ''] = /"uuid\/([^"]+)"/u.exec(JSON.stringify(external)) ?? [];
  return {
    secret: recorder.one(secretType).inputs,
    stored: secretOf(version.secretString),
    externalSecret: external,
    version: made,
  };
}

export class ClusterValues {
  readonly #stack: RehearsedStack;
  #serial = Date.now() % 1e6;

  /** @param stack prod, which is up */
  constructor(stack: RehearsedStack) {
    this.#stack = stack;
  }

  /**
   * Carries values through both targets.
   * @param values what neither shape nor target refuses; at most 64 KiB as JSON
   * @returns by `target, as a file` and `target, as a variable`: how many were read unlike
   */
  async carry(values: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#serial += 1;
    const name = `values-${this.#serial}`;
    const rendered = await render(name, values, this.#stack);
    const { access, namespace } = this.#stack;
    const client = this.#stack.secretsManager();
    const remote = `hummingbot/${name}`;
    const { VersionId = '' } = await client.send(
      new CreateSecretCommand({ Name: remote, SecretString: rendered.stored }),
    );
    const names = new Map<ClusterTargetName, string>();
    const custom = access.config.makeApiClient(access.library.CustomObjectsApi);
    const kind = { group: 'external-secrets.io', version: 'v1', plural: 'externalsecrets' };
    try {
      const native = { ...rendered.secret, data: secretOf(rendered.secret.data) };
      names.set('kubernetes', await this.#post(native as unknown as V1Secret));
      const text = JSON.stringify(rendered.externalSecret).replaceAll(rendered.version, VersionId);
      const body = JSON.parse(text) as { metadata: { name: string }; spec: { target: object } };
      // Both targets call theirs the same; here they stand side by side.
      const own = `${body.metadata.name}-synced`;
      body.metadata.name = own;
      body.spec.target = { ...body.spec.target, name: own };
      names.set('aws-secrets-manager', own);
      await custom.createNamespacedCustomObject({ ...kind, namespace, body });
      await this.#synced(own);
      return await this.#read(name, names, values);
    } finally {
      await client.send(
        new DeleteSecretCommand({ SecretId: remote, ForceDeleteWithoutRecovery: true }),
      );
      client.destroy();
      const synced = names.get('aws-secrets-manager');
      if (synced !== undefined) {
        await custom.deleteNamespacedCustomObject({ ...kind, namespace, name: synced });
      }
      const native = names.get('kubernetes');
      if (native !== undefined) {
        await access.core.deleteNamespacedSecret({ namespace, name: native });
      }
    }
  }

  async #post(body: V1Secret): Promise<string> {
    const { access, namespace } = this.#stack;
    const made = await access.core.createNamespacedSecret({ namespace, body });
    return made.metadata?.name ?? '';
  }

  async #synced(name: string): Promise<void> {
    const { access, namespace } = this.#stack;
    const custom = access.config.makeApiClient(access.library.CustomObjectsApi);
    const kind = { group: 'external-secrets.io', version: 'v1', plural: 'externalsecrets' };
    for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(250)) {
      const found = await custom.getNamespacedCustomObject({ ...kind, namespace, name });
      if (isReady(found)) return;
    }
    throw new Error(`${name} was not synced in ${seconds} s`);
  }

  /** What a pod reads, compared by hashes. */
  async #read(
    name: string,
    names: ReadonlyMap<ClusterTargetName, string>,
    values: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const { access, namespace } = this.#stack;
    await access.core.createNamespacedPod({
      namespace,
      body: await this.#podOf(name, names, values),
    });
    try {
      let pod: V1Pod | undefined;
      for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(250)) {
        pod = await access.core.readNamespacedPod({ namespace, name });
        if (/^(?:Succeeded|Failed)$/u.test(pod.status?.phase ?? '')) break;
      }
      if (pod?.status?.phase !== 'Succeeded') {
        throw new Error(`${name}: ${pod?.status?.phase ?? 'no pod'} after ${seconds} s`);
      }
      const log = await access.core.readNamespacedPodLog({ namespace, name });
      const read = JSON.parse(log.trim().split('\n').at(-1) ?? '{}') as Record<string, string[]>;
      const unlike = new Map<string, number>();
      for (const target of names.keys()) {
        for (const way of ['file', 'variable'] as const) {
          const hashes = read[`${target} ${way}`] ?? [];
          const many = values.filter((value, at) => hashes[at] !== hashOf(value)).length;
          unlike.set(`${target}, as a ${way}`, many);
        }
      }
      return unlike;
    } finally {
      await access.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
    }
  }

  async #podOf(
    name: string,
    names: ReadonlyMap<ClusterTargetName, string>,
    values: readonly string[],
  ): Promise<V1Pod> {
    const bot = await this.#stack.pod();
    const container = bot.spec?.containers[0];
    const all = [...names];
    const variable = (target: string, at: number): string => `${target.replaceAll('-', '_')}_${at}`;
    const program = [
      'import hashlib, json, os',
      'digest = lambda content: hashlib.sha256(content).hexdigest()',
      `count, targets = ${values.length}, ${JSON.stringify(all.map(([target]) => target))}`,
      'print(json.dumps({',
      '  **{t + " file": [digest(open(f"/values/{t}/V{i}", "rb").read()) for i in range(count)] for t in targets},',
      '  **{t + " variable": [digest(os.environb[f"{t.replace(chr(45), chr(95))}_{i}".encode()]) for i in range(count)] for t in targets},',
      '}))',
    ].join('\n');
    const limits = { cpu: '500m', memory: '128Mi' };
    return {
      metadata: { name, namespace: this.#stack.namespace },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...(bot.spec?.securityContext && { securityContext: bot.spec.securityContext }),
        volumes: all.map(([target, secretName]) => ({
          name: target,
          secret: { secretName, defaultMode: 0o440 },
        })),
        containers: [
          {
            name: 'reader',
            image: container?.image ?? '',
            imagePullPolicy: 'Never',
            command: ['/home/hummingbot/.venv/bin/python', '-c', program],
            env: all.flatMap(([target, secretName]) =>
              values.map((_, at) => ({
                name: variable(target, at),
                valueFrom: { secretKeyRef: { name: secretName, key: `V${at}` } },
              })),
            ),
            volumeMounts: all.map(([target]) => ({
              name: target,
              mountPath: `/values/${target}`,
              readOnly: true,
            })),
            resources: { requests: limits, limits },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    };
  }
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
