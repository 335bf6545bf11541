/**
 * The provider's own inputs, and the clients that they make: region, profile, allowedAccountIds,
 * defaultTags. Endpoints and credentials come from the environment, as in the official provider.
 */
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import {
  type CheckResult,
  containsUnknown,
  type DiffResult,
  failure,
  fromJson,
  isObject,
  PluginError,
  type Properties,
  type ProviderConfiguration,
} from '../../../plugins/provider-server.ts';
import { awsError } from './errors.ts';

const supported = ['region', 'profile', 'allowedAccountIds', 'defaultTags'];
/** What the SDK for TypeScript always sends, with the only value that is understood. */
const sent: Readonly<Record<string, unknown>> = {
  skipCredentialsValidation: false,
  skipRegionValidation: true,
};
/** As often as the official provider's `max_retries` says, unless the user says otherwise. */
function attempts(): number {
  const said = Number(process.env.AWS_MAX_ATTEMPTS);
  return Number.isInteger(said) && said > 0 ? said : 25;
}

const services = {
  IAMClient: 'IAM',
  KMSClient: 'KMS',
  SecretsManagerClient: 'Secrets Manager',
  STSClient: 'STS',
} as const;

export interface Identity {
  readonly accountId: string;
  readonly arn: string;
  readonly userId: string;
}

export class Account implements ProviderConfiguration {
  #region = '';
  #profile: string | undefined;
  #identity: Identity | undefined;
  /** Tags that every resource gets beside its own. */
  defaultTags: Readonly<Record<string, string>> = {};
  readonly #secrets = new Map<string, SecretsManagerClient>();
  readonly #kms = new Map<string, KMSClient>();
  #iam: IAMClient | undefined;

  async checkConfig(news: Properties): Promise<CheckResult> {
    const failures = Object.entries(news)
      .filter(([name]) => !supported.includes(name) && name !== 'version')
      .filter(([name, value]) => fromJson(value) !== sent[name] && !name.startsWith('__'))
      .map(([name]) =>
        failure(name, `not in the rehearsal plugin; allowed: ${supported.join(', ')}`),
      );
    const { region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION } = news;
    if (typeof region !== 'string' || region === '') {
      failures.push(failure('region', 'got none; allowed: a region such as eu-west-1'));
    }
    return { inputs: { ...news, region }, failures };
  }

  /** Another region is another place: all that was made in the old one is replaced. */
  async diffConfig(olds: Properties, news: Properties): Promise<DiffResult> {
    const differs = (name: string): boolean =>
      !containsUnknown(news[name]) && olds[name] !== news[name];
    const replaces = ['region'].filter(differs);
    return { changes: [...supported].some(differs), replaces };
  }

  /** @throws PluginError when the credentials belong to an account that is not allowed */
  async configure(inputs: Properties): Promise<void> {
    this.#region = String(inputs.region ?? process.env.AWS_REGION ?? '');
    this.#profile = typeof inputs.profile === 'string' ? inputs.profile : undefined;
    const tags = fromJson(inputs.defaultTags);
    if (isObject(tags) && isObject(tags.tags)) {
      this.defaultTags = tags.tags as Record<string, string>;
    }
    const allowed = fromJson(inputs.allowedAccountIds);
    const { accountId } = await this.identity();
    if (Array.isArray(allowed) && allowed.length > 0 && !allowed.includes(accountId)) {
      throw new PluginError(`AWS account ID not allowed: ${accountId}`);
    }
  }

  get region(): string {
    return this.#region;
  }

  async identity(): Promise<Identity> {
    if (this.#identity === undefined) {
      const client = this.#client(STSClient);
      const found = await client.send(new GetCallerIdentityCommand({}));
      const { Account: accountId = '', Arn: arn = '', UserId: userId = '' } = found;
      this.#identity = { accountId, arn, userId };
      client.destroy();
    }
    return this.#identity;
  }

  /** @param region of the resource; @default - the provider's */
  secrets(region: unknown): SecretsManagerClient {
    return this.#ofRegion(this.#secrets, region, SecretsManagerClient);
  }

  kms(region: unknown): KMSClient {
    return this.#ofRegion(this.#kms, region, KMSClient);
  }

  iam(): IAMClient {
    this.#iam ??= this.#client(IAMClient);
    return this.#iam;
  }

  #ofRegion<T>(clients: Map<string, T>, region: unknown, Client: new (options: object) => T): T {
    const name = typeof region === 'string' && region !== '' ? region : this.#region;
    const client = clients.get(name) ?? this.#client(Client, name);
    clients.set(name, client);
    return client;
  }

  /** A client whose errors are those of `errors.ts`. It tries again what is throttled. */
  #client<T>(Client: new (options: object) => T, region = this.#region): T {
    const { profile } = { profile: this.#profile };
    const client = new Client({
      region,
      maxAttempts: attempts(),
      ...(profile !== undefined && { profile }),
    });
    const service = services[Client.name as keyof typeof services];
    const { middlewareStack } = client as unknown as Pick<IAMClient, 'middlewareStack'>;
    middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          try {
            return await next(args);
          } catch (error) {
            const operation = String(commandName).replace(/Command$/u, '');
            throw awsError(error, service, operation);
          }
        },
      { step: 'initialize', priority: 'high', name: 'oneLine' },
    );
    return client;
  }
}
