/** Records what the program registers under Pulumi's mocks, and what of it is not secret. */
import * as pulumi from '@pulumi/pulumi';
import type { RegisterResourceRequest } from '@pulumi/pulumi/proto/resource_pb.js';
import type { MockCallArgs, MockResourceArgs } from '@pulumi/pulumi/runtime/mocks.js';
import { getMonitor } from '@pulumi/pulumi/runtime/settings.js';
import { secretMark, signature } from '../plugins/resource-handler.ts';

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What a program asks of the engine beside inputs. */
export interface Options {
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** "<type> <name>" of everything that it depends on. */
  readonly dependencies: readonly string[];
  readonly provider: string;
  readonly createTimeout: string | undefined;
  /** Its URN. */
  readonly parent: string;
  /** "<URN of the parent> <name>" of what it may have been before. */
  readonly aliases: readonly string[];
}

/** Account, role, cluster, Vault and swarm that the mocks say they are. */
export const mocked = {
  account: '210987654321',
  role: 'hummingbot-deploy',
  cluster: '0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0',
  vault: '1c2d3e4f-5061-4273-8495-a6b7c8d9e0f1',
  swarm: 'swarm0swarm0swarm0swarm00',
  certificate: 'PEM of the certificate',
  fingerprint: Array(32).fill('0A').join(':'),
} as const;

/** What is found of a certificate that is right. */
export const mockedCertificate = {
  certificate: mocked.certificate,
  fingerprint: mocked.fingerprint,
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2126-01-01T00:00:00.000Z',
  algorithm: 'rsa',
} as const;

/** What a provider would answer: a result, or why there is none. */
export type Answers = Readonly<Record<string, Record<string, unknown> | Error>>;

const answers: Answers = {
  'aws:index/getCallerIdentity:getCallerIdentity': {
    accountId: mocked.account,
    arn: `arn:aws:sts::${mocked.account}:assumed-role/${mocked.role}/session`,
  },
  'aws:iam/getRole:getRole': { arn: `arn:aws:iam::${mocked.account}:role/ci/${mocked.role}` },
  'hummingbot:index:getDeletedSecrets': { deleted: [] },
  'hummingbot:index:getCertificate': mockedCertificate,
  'hummingbot:index:getKubeseal': { version: '0.36.0' },
  'hummingbot:index:getSops': { version: '3.13.3' },
  'hummingbot:index:getSwarm': { id: mocked.swarm },
  'hummingbot:index:getVault': { id: mocked.vault, owners: [] },
  'hummingbot:index:getKvTurn': { cas: 4 },
  'hummingbot:index:getCluster': { uid: mocked.cluster, server: 'https://cluster.invalid' },
};

/** The part of Pulumi's mock monitor that sees a resource's options; the mocks do not. */
interface Monitor {
  registerResource(request: RegisterResourceRequest, callback: unknown): Promise<void>;
}

function optionsOf(request: RegisterResourceRequest): Options {
  return {
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    dependencies: request.getDependenciesList().map((urn) => {
      const [, , type = '', name = ''] = urn.split('::');
      return `${type.split('$').at(-1)} ${name}`;
    }),
    provider: request.getProvider().split('::')[3] ?? '',
    createTimeout: request.getCustomtimeouts()?.getCreate(),
    parent: request.getParent(),
    aliases: request.getAliasesList().map((alias) => {
      const spec = alias.getSpec();
      return `${spec?.getParenturn()} ${spec?.getName()}`;
    }),
  };
}

export class Recorder {
  readonly registrations: Registration[] = [];
  readonly calls: string[] = [];
  /** By "<type> <name>". */
  readonly options = new Map<string, Options>();
  readonly #seed: string;
  readonly #answers: Answers;
  #made = 0;

  /**
   * @param seed goes into generated values; another one makes all of them others
   * @param others answers to invokes, in place of the usual ones
   */
  constructor(seed = 'seed', others: Answers = {}) {
    this.#seed = seed;
    this.#answers = { ...answers, ...others };
  }

  install(project: string, stack: string, preview: boolean): void {
    void pulumi.runtime.setMocks(
      {
        newResource: (args) => this.#register(args),
        call: (args) => this.#answer(args),
      },
      project,
      stack,
      preview,
    );
    const monitor = getMonitor() as unknown as Monitor;
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = async (request, callback) => {
      this.options.set(`${request.getType()} ${request.getName()}`, optionsOf(request));
      await register(request, callback);
    };
  }

  #answer({ token }: MockCallArgs): Record<string, unknown> {
    this.calls.push(token);
    const answer = this.#answers[token];
    if (answer === undefined) throw new Error(`no answer to ${token}`);
    // The engine's answer to a failed invoke is an error of gRPC.
    if (answer instanceof Error) throw Object.assign(answer, { details: answer.message });
    return answer;
  }

  #register(args: MockResourceArgs): { id: string; state: Record<string, unknown> } {
    this.registrations.push({ type: args.type, name: args.name, inputs: args.inputs });
    const id = `${args.name}-id`;
    const made = `${this.#seed}-${args.name}-${this.#made++}`;
    if (args.type === 'random:index/randomPassword:RandomPassword') {
      const result = { [signature]: secretMark, value: `generated-${this.#seed}-${args.name}` };
      return { id: 'none', state: { ...args.inputs, result } };
    }
    if (args.type === 'random:index/randomId:RandomId') {
      return { id, state: { ...args.inputs, hex: Buffer.from(made).toString('hex').slice(0, 8) } };
    }
    return { id, state: { ...args.inputs, ...this.#outputs(args, made) } };
  }

  /** What a provider adds. A replaced resource has other ids, here as there. */
  #outputs({ type, name, inputs }: MockResourceArgs, made: string): Record<string, unknown> {
    const arn = (service: string, rest: string) =>
      `arn:aws:${service}:us-east-1:${mocked.account}:${rest}`;
    switch (type) {
      case 'aws:kms/key:Key':
        return { arn: arn('kms', `key/${name}`), keyId: name };
      case 'aws:secretsmanager/secret:Secret':
        return { arn: arn('secretsmanager', `secret:${inputs.name}-AbCdEf`) };
      case 'aws:secretsmanager/secretVersion:SecretVersion':
        return { versionId: `version-${made}` };
      case 'aws:iam/role:Role':
        return { arn: `arn:aws:iam::${mocked.account}:role/${inputs.name}` };
      case 'hummingbot:index:SealedData': {
        const { value } = inputs.data as { readonly value: Readonly<Record<string, string>> };
        const ciphertext = Buffer.from(made).toString('base64').replaceAll('=', '').repeat(40);
        const keys = Object.keys(value).map((key) => [key, ciphertext]);
        return { encryptedData: Object.fromEntries(keys) };
      }
      case 'kubernetes:apps/v1:Deployment':
        return { metadata: { ...inputs.metadata, generation: 3, uid: made } };
      default:
        return {};
    }
  }

  of(type: string): readonly Registration[] {
    return this.registrations.filter((registration) => registration.type === type);
  }

  /** The one registration of a type, and of a name where there are several. */
  one(type: string, name?: string): Registration & { readonly options: Options } {
    const found = this.of(type).filter((each) => name === undefined || each.name === name);
    const [only] = found;
    const options = this.options.get(`${type} ${only?.name}`);
    if (only === undefined || found.length > 1 || options === undefined) {
      throw new Error(`${type} ${name ?? ''}: ${found.length} registrations`);
    }
    return { ...only, options };
  }

  /** Everything recorded, without what stands inside secret marks. */
  public(): string {
    return JSON.stringify(withoutSecrets(this.registrations));
  }
}

export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  const object = value as Record<string, unknown>;
  if (object[signature] === secretMark) return '[secret]';
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, withoutSecrets(v)]));
}

/** The value inside a secret mark; fails when it is not marked. */
export function secretOf(value: unknown): string {
  const object = value as Record<string, unknown>;
  if (object?.[signature] !== secretMark) throw new Error('not marked as secret');
  return object.value as string;
}

export async function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return await new Promise((settle) => output.apply(settle));
}
