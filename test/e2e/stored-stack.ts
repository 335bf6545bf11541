/**
 * A checkout whose dev stack is the store alone, in an AWS API of this machine (moto): the program
 * test/e2e/programs/restore.ts, under the real engine. No cluster.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { parseDocument } from 'yaml';
import { type AwsServer, startAws } from '../../rehearsal/servers/aws.ts';
import type { Checkout, Result } from './checkout.ts';

const region = 'eu-west-1';

export class StoredStack {
  readonly checkout: Checkout;
  readonly aws: AwsServer;
  readonly secrets: SecretsManagerClient;
  readonly kms: KMSClient;
  readonly iam: IAMClient;

  private constructor(checkout: Checkout, aws: AwsServer) {
    this.checkout = checkout;
    this.aws = aws;
    const client = {
      region,
      endpoint: aws.endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    this.secrets = new SecretsManagerClient(client);
    this.kms = new KMSClient(client);
    this.iam = new IAMClient(client);
  }

  /**
   * Starts AWS and sets what the program asks for; nothing is brought up.
   * @param value of the one secret that has one
   */
  static async start(checkout: Checkout, value: string): Promise<StoredStack> {
    const aws = await startAws({ directory: join(checkout.temporary, 'aws') });
    const stack = new StoredStack(checkout, aws);
    try {
      await stack.#set(value);
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  async #set(value: string): Promise<void> {
    const { checkout, aws } = this;
    writeFileSync(checkout.path('index.ts'), "export * from './test/e2e/programs/restore.ts';\n");
    this.#edit('Pulumi.yaml', (document) => {
      for (const name of ['region', 'account', 'e2e']) {
        document.setIn(['config', name], { type: 'string', description: name });
      }
    });
    this.#edit('Pulumi.dev.yaml', (document) => {
      document.setIn(['config', 'hummingbot-secrets:targets'], ['aws-secrets-manager']);
      document.setIn(['config', 'hummingbot-secrets:region'], region);
      document.setIn(['config', 'hummingbot-secrets:account'], aws.account);
    });
    await checkout.setSecret('e2e', value);
  }

  #edit(name: string, change: (document: ReturnType<typeof parseDocument>) => void): void {
    const document = parseDocument(this.checkout.read(name));
    change(document);
    writeFileSync(this.checkout.path(name), document.toString());
  }

  /** `npm run WORDS` */
  async run(words: readonly string[], input?: string): Promise<Result> {
    const env = this.aws.environment;
    const options = input === undefined ? { env } : { env, input };
    return await this.checkout.run('npm', ['run', '--silent', ...words], options);
  }

  /** `npm run pulumi -- WORDS --stack dev` */
  async pulumi(...words: readonly string[]): Promise<Result> {
    return await this.run(['pulumi', '--', ...words, '--stack', 'dev']);
  }

  /** `pulumi up` without questions; its result is the caller's to judge. */
  async up(...flags: readonly string[]): Promise<Result> {
    return await this.pulumi('up', '--yes', '--skip-preview', ...flags);
  }

  /** AWS ends; the checkout is the caller's. */
  async stop(): Promise<void> {
    for (const each of [this.secrets, this.kms, this.iam]) each.destroy();
    await this.aws.stop();
  }
}
