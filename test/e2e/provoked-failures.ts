/**
 * Failures of the systems that a stack talks to, as a table: what is broken, what is asked meanwhile,
 * and the one line that says so, as the engine gets it. What is asked succeeds once it is mended.
 *
 * The plugins for aws and kubernetes are the rehearsal's own: that the official ones say no more
 * than these is not proven by it.
 */

import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { getCluster } from '../../plugins/hummingbot/cluster.ts';
import { Preflight } from '../../plugins/hummingbot/preflight.ts';
import { Rollout } from '../../plugins/hummingbot/rollout.ts';
import { Sync } from '../../plugins/hummingbot/sync.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { secret, unwrap } from '../../plugins/provider-server.ts';
import type {
  Call,
  CheckResult,
  CreateResult,
  Properties,
} from '../../plugins/resource-handler.ts';
import { Account } from '../../rehearsal/plugins/aws/account.ts';
import { Alias } from '../../rehearsal/plugins/aws/alias.ts';
import { Key } from '../../rehearsal/plugins/aws/key.ts';
import { Role } from '../../rehearsal/plugins/aws/role.ts';
import { RolePolicy } from '../../rehearsal/plugins/aws/role-policy.ts';
import { Secret } from '../../rehearsal/plugins/aws/secret.ts';
import { SecretPolicy } from '../../rehearsal/plugins/aws/secret-policy.ts';
import { SecretVersion } from '../../rehearsal/plugins/aws/secret-version.ts';
import { collectionOf, type Kind, kinds } from '../../rehearsal/plugins/kubernetes/kinds.ts';
import { KubernetesResource } from '../../rehearsal/plugins/kubernetes/kubernetes-resource.ts';
import type { KubernetesProvider } from '../../rehearsal/plugins/kubernetes/provider.ts';
import { call } from '../plugins/calls.ts';
import { type ApiFaultProxy, refusing } from './api-fault-proxy.ts';
import { type AwsFaultProxy, echo, failing } from './aws-fault-proxy.ts';
import type { Asked, Fault } from './fault-proxy.ts';

/** Where a case happens. */
export interface Place {
  readonly aws: AwsFaultProxy;
  readonly api: ApiFaultProxy;
  /** Its clients ask `aws`. */
  readonly account: Account;
  /** It asks `api`. */
  readonly cluster: KubernetesProvider;
  /** It leads to `api`. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** First part of the names of what the case makes, its own. */
  readonly prefix: string;
  /** A value that no line may hold. */
  readonly value: string;
  /** One that the node has, with the programs of a shell. */
  readonly image: string;
  /** Of the session that asks AWS: a credential. */
  readonly token: string;
}

export interface ProvokedFailure {
  readonly name: string;
  /** Switches something off; undefined where what is asked is wrong itself. */
  readonly provoke?: (place: Place) => void;
  /** @param mended whether it has to succeed */
  readonly ask: (place: Place, mended: boolean) => Promise<unknown>;
  /** The whole line, `PREFIX` and `NAMESPACE` in it stand for the case's own. */
  readonly line: RegExp;
}

interface Handler {
  check(olds: Properties, news: Properties, call: Call): Promise<CheckResult>;
  create(inputs: Properties, call: Call): Promise<CreateResult>;
}

/** Check and create, as the engine asks for them. */
async function make(handler: Handler, inputs: Properties, more: Partial<Call> = {}) {
  const asked = call({ ...more, marked: inputs });
  const { inputs: checked = {}, failures = [] } = await handler.check(
    {},
    unwrap(inputs) as Properties,
    asked,
  );
  const [mistake] = failures;
  if (mistake !== undefined) throw new BadInput(`${mistake.property}: ${mistake.reason}`);
  const ready = unwrap(checked) as Properties;
  return await handler.create(ready, call({ ...more, marked: checked as Properties }));
}

/** A mistake that a check finds; the engine words the line around it. */
export class BadInput extends Error {}

const secretOf = ({ prefix }: Place): string => `${prefix}/trading`;
const on = (action: string) => (asked: Asked) => asked.action === action;

/** The value as it travels: a JSON text of a group. */
async function putValue(place: Place, value = place.value): Promise<unknown> {
  const name = secretOf(place);
  await make(new Secret(place.account), { name }).catch((error: Error) => {
    if (!/ResourceExists/u.test(error.message)) throw error;
  });
  const text = JSON.stringify({ binance_api_key: value });
  return await make(new SecretVersion(place.account), {
    secretId: name,
    secretString: secret(text),
  });
}

const allowRoot = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::123456789012:root' },
      Action: 'secretsmanager:GetSecretValue',
      Resource: '*',
    },
  ],
});
const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::123456789012:root' },
      Action: 'sts:AssumeRole',
    },
  ],
});

const awsMakes: Readonly<Record<string, (place: Place) => Promise<unknown>>> = {
  Secret: async (place) => await make(new Secret(place.account), { name: secretOf(place) }),
  SecretVersion: async (place) => await putValue(place),
  SecretPolicy: async (place) => {
    const name = secretOf(place);
    await make(new Secret(place.account), { name }).catch(() => {});
    return await make(new SecretPolicy(place.account), { secretArn: name, policy: allowRoot });
  },
  Key: async (place) => await make(new Key(place.account), { description: secretOf(place) }),
  Alias: async (place) => {
    const { outs } = await make(new Key(place.account), { description: 'of an alias' });
    const { keyId } = unwrap(outs) as { readonly keyId: string };
    const name = `alias/${place.prefix}`;
    return await make(new Alias(place.account), { name, targetKeyId: keyId });
  },
  Role: async (place) =>
    await make(new Role(place.account), { name: place.prefix, assumeRolePolicy: trust }),
  RolePolicy: async (place) => {
    const role = { name: place.prefix, assumeRolePolicy: trust };
    await make(new Role(place.account), role).catch(() => {});
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
    });
    return await make(new RolePolicy(place.account), { name: 'read', role: place.prefix, policy });
  },
};

/** An answer of somebody who is no AWS: text that quotes all. */
const gateway = (status: number): Fault => ({
  does: 'answer',
  with: (asked) => ({
    status,
    headers: { 'content-type': 'text/html' },
    body: `<html>${status} for ${asked.body}</html>`,
  }),
});
const operation = 'operation error [A-Za-z ]+: [A-Za-z]+';
const status = (code: number): string =>
  `https response error StatusCode: ${code}, RequestID: \\S*`;

/** Type, what fails, how, what the line says behind the operation. */
const awsCases: readonly (readonly [keyof typeof awsMakes & string, string, Fault, string])[] = [
  [
    'Secret',
    'secretsmanager.CreateSecret',
    failing('AccessDeniedException', 400),
    `${status(400)}, AccessDeniedException: .*`,
  ],
  [
    'Secret',
    'secretsmanager.CreateSecret',
    failing('LimitExceededException', 400),
    `${status(400)}, LimitExceededException: .*`,
  ],
  [
    'Secret',
    'secretsmanager.CreateSecret',
    failing('InternalServiceError', 500),
    `${status(500)}, InternalServiceError: .*`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('ValidationException', 400),
    `${status(400)}, ValidationException`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('AccessDeniedException', 403),
    `${status(403)}, AccessDeniedException`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('ResourceExistsException', 409),
    `${status(409)}, ResourceExistsException`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('EncryptionFailure', 400),
    `${status(400)}, EncryptionFailure`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('RequestEntityTooLarge', 413),
    `${status(413)}, RequestEntityTooLarge`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('InternalServiceError', 500),
    `${status(500)}, InternalServiceError`,
  ],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    failing('ThrottlingException', 400),
    `${status(400)}, ThrottlingException`,
  ],
  ['SecretVersion', 'secretsmanager.PutSecretValue', gateway(502), '.*'],
  [
    'SecretVersion',
    'secretsmanager.PutSecretValue',
    { does: 'reset' },
    '(?:ECONNRESET|TimeoutError).*',
  ],
  [
    'SecretVersion',
    'secretsmanager.GetSecretValue',
    failing('DecryptionFailure', 400),
    `${status(400)}, DecryptionFailure`,
  ],
  [
    'SecretPolicy',
    'secretsmanager.PutResourcePolicy',
    failing('PublicPolicyException', 400, () => 'too open'),
    `${status(400)}, PublicPolicyException: too open`,
  ],
  ['SecretPolicy', 'secretsmanager.PutResourcePolicy', gateway(503), '.*'],
  [
    'Key',
    'kms.CreateKey',
    failing('AccessDeniedException', 400, () => 'not authorized'),
    `${status(400)}, AccessDeniedException: not authorized`,
  ],
  [
    'Key',
    'kms.CreateKey',
    failing('KMSInternalException', 500, () => 'again'),
    `${status(500)}, KMSInternalException: again`,
  ],
  [
    'Alias',
    'kms.CreateAlias',
    failing('AlreadyExistsException', 400, () => 'it is there'),
    `${status(400)}, AlreadyExistsException: it is there`,
  ],
  [
    'Role',
    'iam.CreateRole',
    failing('EntityAlreadyExists', 409, () => 'it is there'),
    `${status(409)}, EntityAlreadyExists\\w*: it is there`,
  ],
  [
    'Role',
    'iam.CreateRole',
    failing('AccessDenied', 403, () => 'not authorized'),
    `${status(403)}, AccessDenied: not authorized`,
  ],
  [
    'RolePolicy',
    'iam.PutRolePolicy',
    failing('MalformedPolicyDocument', 400, () => 'a comma'),
    `${status(400)}, MalformedPolicyDocument\\w*: a comma`,
  ],
  [
    'RolePolicy',
    'iam.PutRolePolicy',
    failing('ServiceFailure', 500, () => 'again'),
    `${status(500)}, ServiceFailure\\w*: again`,
  ],
];

const what: Readonly<Record<string, string>> = {
  Secret: 'Secrets Manager Secret \\(PREFIX/trading\\)',
  SecretVersion: 'Secrets Manager Secret Version \\(PREFIX/trading\\)',
  SecretPolicy: 'Secrets Manager Secret Policy \\(PREFIX/trading\\)',
  Key: 'KMS Key',
  Alias: 'KMS Alias \\(alias/PREFIX\\)',
  Role: 'IAM Role \\(PREFIX\\)',
  RolePolicy: 'IAM Role Policy \\(.*\\)',
};

function shownFault(fault: Fault): string {
  if (fault.does !== 'answer') return fault.does;
  const { status: code, body } = fault.with({ action: 'iam.X', about: '', body: '' });
  return `${code} ${/<Code>(\w+)/u.exec(body)?.[1] ?? /"reason":"(\w+)/u.exec(body)?.[1] ?? 'in HTML'}`;
}

/** Objects of a cluster, each with what the case makes of it. */
const makeObject =
  (
    type: string,
    spec: (place: Place, mended: boolean) => Properties,
    patience?: (mended: boolean) => number,
  ) =>
  async (place: Place, mended: boolean): Promise<unknown> => {
    const kind = kinds[`kubernetes:${type}`];
    if (kind === undefined) throw new Error(type);
    const metadata = { name: `${place.prefix}-trading`, namespace: place.namespace };
    const inputs = { metadata, ...spec(place, mended) };
    return await make(new KubernetesResource(kind, place.cluster), inputs, {
      timeoutSeconds: patience?.(mended),
    });
  };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const makeSecret = makeObject('core/v1:Secret', ({ value }) => ({
  data: secret({ binance_api_key: base64(value) }),
}));
const makeConfigMap = makeObject('core/v1:ConfigMap', () => ({ data: { 'bot.json': '{}' } }));
const writing = (asked: Asked): boolean => asked.action === 'POST';

const apiCases: readonly (readonly [Fault, string])[] = [
  [refusing(400, 'BadRequest'), '400 BadRequest'],
  [refusing(401, 'Unauthorized'), '401 Unauthorized'],
  [refusing(403, 'Forbidden'), '403 Forbidden'],
  [refusing(409, 'AlreadyExists'), '409 AlreadyExists'],
  [refusing(413, 'RequestEntityTooLarge'), '413 RequestEntityTooLarge'],
  [refusing(422, 'Invalid'), '422 Invalid'],
  [refusing(429, 'TooManyRequests', 0), '429 TooManyRequests'],
  [refusing(429, 'TooManyRequests'), '429 TooManyRequests'],
  [refusing(500, 'InternalError'), '500 InternalError'],
  [refusing(503, 'ServiceUnavailable', 0), '503 ServiceUnavailable'],
  [refusing(504, 'Timeout'), '504 Timeout'],
  [gateway(502), '502'],
  [{ does: 'reset' }, 'API server \\S+: ECONNRESET; fix: .*'],
];

const gate = { deadlineSeconds: 1 };
const gateInputs = ({ kubeconfig, namespace }: Place): Properties => ({
  ...gate,
  kubeconfig: secret(kubeconfig),
  namespace,
});

const jobOf = ({ image }: Place) => ({
  template: {
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'materialise', image, command: ['true'] }],
    },
  },
});

export async function askPreflight(place: Place, mended: boolean): Promise<unknown> {
  const more = { name: `${place.prefix}-trading`, job: jobOf(place), labels: {} };
  const deadlineSeconds = mended ? 60 : 1;
  return await make(new Preflight(), { ...gateInputs(place), ...more, deadlineSeconds });
}

const tagName = 'faults/tag';
/** Where the store is. */
const inStore = 'hummingbot';
const external = (): Kind => {
  const kind = kinds['kubernetes:external-secrets.io/v1:ExternalSecret'];
  if (kind === undefined) throw new Error('ExternalSecret');
  return kind;
};

/** As the program makes one of a group of a fixed name. */
async function makeExternalSecret(
  place: Place,
  tag: string,
  waitFor = 'condition=Ready',
): Promise<unknown> {
  const name = `${place.prefix}-trading`;
  const annotations = { 'pulumi.com/waitFor': waitFor, [tagName]: tag };
  return await make(
    new KubernetesResource(external(), place.cluster),
    {
      metadata: { name, namespace: inStore, annotations },
      spec: {
        refreshPolicy: 'Periodic',
        refreshInterval: '1h0m0s',
        secretStoreRef: { name: 'aws-secrets-manager', kind: 'SecretStore' },
        target: { name },
        data: [
          {
            secretKey: 'binance_api_key',
            remoteRef: { key: secretOf(place), property: 'binance_api_key' },
          },
        ],
      },
    },
    { timeoutSeconds: 60 },
  );
}

/** What makes the operator sync at once. */
async function changeTag(place: Place, tag: string): Promise<void> {
  const api = await KubernetesApi.connect(place.kubeconfig);
  const path = `${collectionOf(external(), inStore)}/${place.prefix}-trading`;
  await api.send('PATCH', path, {
    body: { metadata: { annotations: { [tagName]: tag } } },
    contentType: 'application/merge-patch+json',
  });
}

const askSync = async (place: Place, tag: string, mended: boolean): Promise<unknown> =>
  await make(new Sync(), {
    ...gateInputs(place),
    namespace: inStore,
    name: `${place.prefix}-trading`,
    annotation: tagName,
    tag,
    version: '1',
    deadlineSeconds: mended ? 60 : 3,
  });
const askRollout = async (place: Place, mended: boolean): Promise<unknown> =>
  await make(new Rollout(), {
    ...gateInputs(place),
    // The bot's own, which is complete.
    namespace: 'hummingbot',
    name: 'hummingbot',
    generation: 1,
    deadlineSeconds: mended ? 30 : 1,
  });

/** @param other cases of the file system, which need no server */
export const provokedFailures: readonly ProvokedFailure[] = [
  ...awsCases.map(
    ([type, action, fault, reason]): ProvokedFailure => ({
      name: `AWS: ${action}: ${shownFault(fault)}`,
      provoke: ({ aws }) => aws.break(fault, on(action)),
      ask: async (place) => await awsMakes[type]?.(place),
      line: new RegExp(`^creating ${what[type]}: ${operation}, ${reason}$`, 'u'),
    }),
  ),
  {
    name: 'AWS: a value of more than 64 KiB',
    ask: async (place, mended) =>
      await putValue(place, mended ? place.value : place.value.repeat(3_000)),
    line: new RegExp(
      `^creating ${what.SecretVersion}: ${operation}, ${status(400)}, ValidationException$`,
      'u',
    ),
  },
  {
    name: 'AWS: a wrong signature, with all that was signed',
    provoke: ({ aws, token }) =>
      aws.break(
        failing(
          'InvalidSignatureException',
          400,
          () => `should have been x-amz-security-token:${token}`,
        ),
        on('secretsmanager.CreateSecret'),
      ),
    ask: async (place) => await awsMakes.Secret?.(place),
    line: new RegExp(
      `^creating ${what.Secret}: ${operation}, ${status(400)}, InvalidSignatureException$`,
      'u',
    ),
  },
  {
    name: 'AWS: credentials that have expired',
    provoke: ({ aws }) =>
      aws.break(failing('ExpiredToken', 403, echo), on('sts.GetCallerIdentity')),
    ask: async () => await new Account().configure({ region: 'us-east-1' }),
    line: /^operation error STS: GetCallerIdentity, https response error StatusCode: 403, RequestID: \S*, ExpiredToken\w*$/u,
  },
  {
    name: 'AWS: a bad type',
    ask: async (place, mended) =>
      await make(new Secret(place.account), {
        name: secretOf(place),
        recoveryWindowInDays: mended ? 7 : 'a week',
      }),
    line: /^recoveryWindowInDays: /u,
  },
  ...apiCases.map(
    ([fault, reason]): ProvokedFailure => ({
      name: `API server: ${shownFault(fault)}`,
      provoke: ({ api }) => api.break(fault, writing),
      ask: makeSecret,
      line: new RegExp(`^Secret NAMESPACE/PREFIX-trading: creation failed: ${reason}$`, 'u'),
    }),
  ),
  {
    name: 'API server: a Secret whose data are no base64, by the real one',
    ask: makeObject('core/v1:Secret', ({ value }, mended) => ({
      data: secret({ binance_api_key: mended ? base64(value) : `${value}!` }),
    })),
    line: /^Secret NAMESPACE\/PREFIX-trading: creation failed: 400 BadRequest$/u,
  },
  {
    name: 'API server: a Secret of more than 1 MiB, by the real one',
    ask: makeObject('core/v1:Secret', ({ value }, mended) => ({
      data: secret({ binance_api_key: base64(mended ? value : value.repeat(40_000)) }),
    })),
    line: /^Secret NAMESPACE\/PREFIX-trading: creation failed: 422 Invalid$/u,
  },
  {
    name: 'API server: a bad type, by the real one',
    ask: makeObject('core/v1:ConfigMap', (_, mended) => ({
      data: { 'bot.json': mended ? '{}' : 7 },
    })),
    line: /^ConfigMap NAMESPACE\/PREFIX-trading: creation failed: 400 BadRequest .*cannot unmarshal number.*$/u,
  },
  {
    name: 'API server: a name that is taken, by the real one',
    ask: async (place, mended) => {
      if (!mended) await makeConfigMap(place, mended);
      return await makeConfigMap(
        { ...place, prefix: `${place.prefix}${mended ? 'a' : ''}` },
        mended,
      );
    },
    line: /^ConfigMap NAMESPACE\/PREFIX-trading: creation failed: 409 AlreadyExists .*already exists$/u,
  },
  {
    name: 'External Secrets: a store that is not there',
    ask: makeObject(
      'external-secrets.io/v1:ExternalSecret',
      (place, mended) => ({
        metadata: {
          name: `${place.prefix}-trading`,
          namespace: mended ? 'hummingbot' : place.namespace,
          annotations: { 'pulumi.com/waitFor': 'condition=Ready' },
        },
        spec: {
          secretStoreRef: { name: 'aws-secrets-manager', kind: 'SecretStore' },
          target: { name: `${place.prefix}-trading` },
          data: [{ secretKey: 'all', remoteRef: { key: 'hummingbot/trading' } }],
        },
      }),
      (mended) => (mended ? 60 : 3),
    ),
    line: /^ExternalSecret NAMESPACE\/PREFIX-trading: creation failed: timed out after 3 s: (?:no condition Ready yet|condition Ready is False: \w+)$/u,
  },
  {
    name: 'gate Rollout: 500 in HTML',
    provoke: ({ api }) => api.break(gateway(500)),
    ask: askRollout,
    line: /^Deployment hummingbot\/hummingbot: not ready after 1 s: GET \S+: 500; .*fix: kubectl .*$/u,
  },
  {
    name: 'gate Rollout: reset',
    provoke: ({ api }) => api.break({ does: 'reset' }),
    ask: askRollout,
    line: /^Deployment hummingbot\/hummingbot: not ready after 1 s: API server \S+: ECONNRESET; .*$/u,
  },
  {
    name: 'gate Sync: 403',
    provoke: ({ api }) => api.break(refusing(403, 'Forbidden')),
    ask: async (place, mended) => {
      const name = `${place.prefix}-trading`;
      const annotation = 'faults/tag';
      if (mended) {
        const kind = kinds['kubernetes:core/v1:Secret'];
        if (kind === undefined) throw new Error('Secret');
        const metadata = { name, namespace: place.namespace, annotations: { [annotation]: 'a' } };
        await make(new KubernetesResource(kind, place.cluster), { metadata });
      }
      const more = { name, annotation, tag: 'a', version: '1' };
      return await make(new Sync(), { ...gateInputs(place), ...more });
    },
    line: /^ExternalSecret NAMESPACE\/PREFIX-trading: after 1 s GET \S+: 403 Forbidden; nothing that uses it was changed; fix: kubectl .*$/u,
  },
  {
    name: 'gate Sync: an ExternalSecret that is not there',
    ask: async (place, mended) => {
      if (mended) {
        await putValue(place);
        await makeExternalSecret(place, 'a');
      }
      return await askSync(place, 'a', mended);
    },
    line: /^ExternalSecret hummingbot\/PREFIX-trading: after 3 s the ExternalSecret is not there; nothing that uses it was changed; fix: kubectl .*$/u,
  },
  {
    name: 'gate Sync: bytes in AWS that are no JSON, NUL bytes among them',
    ask: async (place, mended) => {
      const SecretId = secretOf(place);
      if (mended) {
        await putValue(place);
        await changeTag(place, 'b');
      } else {
        await putValue(place);
        const SecretBinary = Buffer.from(`\0${place.value}\0`);
        const command = new PutSecretValueCommand({ SecretId, SecretBinary });
        await place.account.secrets(undefined).send(command);
        await makeExternalSecret(place, 'a', 'jsonpath={.metadata.uid}');
      }
      return await askSync(place, mended ? 'b' : 'a', mended);
    },
    line: /^ExternalSecret hummingbot\/PREFIX-trading: after 3 s the Secret does not have the new values: SecretSyncedError; nothing that uses it was changed; fix: kubectl .*$/u,
  },
  {
    name: 'gate Preflight: 413',
    provoke: ({ api }) => api.break(refusing(413, 'RequestEntityTooLarge'), writing),
    ask: askPreflight,
    line: /^Preflight NAMESPACE\/PREFIX-trading: .*413 RequestEntityTooLarge.*; fix: kubectl .*$/u,
  },
  {
    name: 'getCluster: 403',
    provoke: ({ api }) => api.break(refusing(403, 'Forbidden')),
    ask: async ({ kubeconfig }) => await getCluster({ kubeconfig }, call()),
    line: /^cluster \S+: its UID cannot be read: got 403 Forbidden; allowed: .*; fix: .*$/u,
  },
  {
    name: 'getCluster: 500 with the request in it',
    provoke: ({ api }) => api.break(refusing(500, 'InternalError')),
    ask: async ({ kubeconfig }) => await getCluster({ kubeconfig }, call()),
    line: /^API server \S+: got 500 InternalError; fix: .*$/u,
  },
  {
    name: 'getCluster: an API server that is not there',
    ask: async ({ kubeconfig, api }, mended) => {
      const elsewhere = kubeconfig.replace(api.url, 'https://127.0.0.1:1');
      return await getCluster({ kubeconfig: mended ? kubeconfig : elsewhere }, call());
    },
    line: /^API server https:\/\/127\.0\.0\.1:1: ECONNREFUSED; fix: .*$/u,
  },
  {
    name: 'getCluster: an API server of another authority',
    ask: async ({ kubeconfig }, mended) => {
      const config = JSON.parse(kubeconfig);
      if (!mended) delete config.clusters[0].cluster['certificate-authority-data'];
      return await getCluster({ kubeconfig: JSON.stringify(config) }, call());
    },
    line: /^API server \S+: [A-Z_]*(?:SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET)[A-Z_]*; fix: .*$/u,
  },
];
