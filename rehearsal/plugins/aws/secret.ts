/** `aws:secretsmanager/secret:Secret`, after secretsmanager/secret.go. */
import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretResponse,
  GetResourcePolicyCommand,
  PutResourcePolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import type { Call, Properties } from '../../../plugins/provider-server.ts';
import { retryWhen, waitFor } from './attempts.ts';
import { flag, json, pattern, text, whole } from './attributes.ts';
import { AwsError } from './errors.ts';
import { normalized, policiesAreEquivalent, policyToKeep } from './policy.ts';
import { AwsResource } from './resource.ts';
import { tagAttributes, tagChanges, tagList, tagsFound } from './tags.ts';

/** Of DeleteSecret when nothing is said, in days. */
const defaultWindow = 30;

export class Secret extends AwsResource {
  protected override readonly noun = 'Secrets Manager Secret';
  protected override readonly autoName = { longest: 255 };
  protected override readonly attributes = {
    arn: {},
    description: { input: 'optional', mistake: text },
    forceOverwriteReplicaSecret: { input: 'optional', default: false, mistake: flag },
    kmsKeyId: { input: 'optional', mistake: text },
    name: {
      input: 'optional',
      computed: true,
      replaces: true,
      mistake: pattern(
        /^[0-9A-Za-z/_+=.@-]{1,512}$/u,
        '1 to 512 letters, digits and any of /_+=.@-',
      ),
    },
    policy: {
      input: 'optional',
      computed: true,
      mistake: json,
      same: (old, now) => policiesAreEquivalent(String(old), String(now)),
    },
    recoveryWindowInDays: {
      input: 'optional',
      default: defaultWindow,
      mistake: whole(7, defaultWindow, 0),
    },
    region: { input: 'optional', computed: true, replaces: true, mistake: text },
    ...tagAttributes,
  } as const satisfies AwsResource['attributes'];

  protected override async make(
    inputs: Properties,
    made: (id: string) => void,
    call: Call,
  ): Promise<void> {
    const client = this.account.secrets(inputs.region);
    const command = new CreateSecretCommand({
      ClientRequestToken: randomUUID(),
      Name: String(inputs.name),
      Description: String(inputs.description ?? ''),
      Tags: tagList(inputs),
      ...(inputs.kmsKeyId ? { KmsKeyId: String(inputs.kmsKeyId) } : {}),
    });
    // A name that was deleted by force is free a little later; one that waits for its deletion
    // is not, and then this ends with AWS's own words.
    const { ARN = '' } = await retryWhen(
      call,
      (error) => isScheduled(error),
      async () => {
        try {
          return await client.send(command);
        } catch (error) {
          throw await this.#asAwsSaysIt(error, inputs);
        }
      },
    );
    made(ARN);
    if (inputs.policy && inputs.policy !== '{}') await this.#putPolicy(ARN, inputs, call);
  }

  /** moto says of a name that is scheduled for deletion that it exists; AWS says why it cannot be. */
  async #asAwsSaysIt(error: unknown, { name, region }: Properties): Promise<unknown> {
    if (!(error instanceof AwsError) || !error.is('ResourceExistsException')) return error;
    const found = await this.#describe(String(name), region);
    if (found?.DeletedDate === undefined) return error;
    const code = 'InvalidRequestException';
    const reason =
      "You can't create this secret because a secret with this name is already scheduled for deletion.";
    return new AwsError(
      error.message.replace(/ResourceExistsException: .*/u, `${code}: ${reason}`),
      code,
      reason,
    );
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    const client = this.account.secrets(state.region);
    const found = await this.#describe(id, state.region);
    if (found === undefined || found.DeletedDate !== undefined) return undefined;
    const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId: id }));
    return {
      arn: found.ARN,
      description: found.Description ?? '',
      forceOverwriteReplicaSecret: state.forceOverwriteReplicaSecret,
      kmsKeyId: found.KmsKeyId ?? '',
      name: found.Name,
      policy: ResourcePolicy === undefined ? '' : policyToKeep(state.policy, ResourcePolicy),
      recoveryWindowInDays: state.recoveryWindowInDays,
      region: state.region ?? this.account.region,
      replicas: [],
      ...tagsFound(found.Tags ?? [], this.account.defaultTags, state),
    };
  }

  protected override async change(
    id: string,
    olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<void> {
    const client = this.account.secrets(news.region);
    if (this.changed('description', olds, news) || this.changed('kmsKeyId', olds, news)) {
      await client.send(
        new UpdateSecretCommand({
          SecretId: id,
          ClientRequestToken: randomUUID(),
          Description: String(news.description ?? ''),
          ...(news.kmsKeyId ? { KmsKeyId: String(news.kmsKeyId) } : {}),
        }),
      );
    }
    if (this.changed('policy', olds, news)) {
      if (news.policy && news.policy !== '{}') await this.#putPolicy(id, news, call);
      else await client.send(new DeleteResourcePolicyCommand({ SecretId: id }));
    }
    const { set, gone } = tagChanges(olds, news);
    if (gone.length > 0) {
      await client.send(new UntagResourceCommand({ SecretId: id, TagKeys: gone }));
    }
    if (set.length > 0) await client.send(new TagResourceCommand({ SecretId: id, Tags: set }));
  }

  protected override async remove(id: string, state: Properties, call: Call): Promise<void> {
    const client = this.account.secrets(state.region);
    const days = Number(state.recoveryWindowInDays ?? defaultWindow);
    const how = days === 0 ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: days };
    try {
      await client.send(new DeleteSecretCommand({ SecretId: id, ...how }));
    } catch (error) {
      if (error instanceof AwsError && error.is('ResourceNotFoundException')) return;
      throw error;
    }
    await waitFor(call, `${this.noun} (${id}) delete`, async () => {
      const found = await this.#describe(id, state.region);
      return found === undefined || found.DeletedDate !== undefined ? true : undefined;
    });
  }

  async #describe(id: string, region: unknown): Promise<DescribeSecretResponse | undefined> {
    try {
      return await this.account.secrets(region).send(new DescribeSecretCommand({ SecretId: id }));
    } catch (error) {
      if (error instanceof AwsError && error.is('ResourceNotFoundException')) return undefined;
      throw error;
    }
  }

  async #putPolicy(id: string, { policy, region }: Properties, call: Call): Promise<void> {
    const ResourcePolicy = normalized(String(policy));
    const command = new PutResourcePolicyCommand({ SecretId: id, ResourcePolicy });
    await retryWhen(call, isNewPrincipal, () => this.account.secrets(region).send(command));
  }
}

function isScheduled(error: unknown): boolean {
  return (
    error instanceof AwsError &&
    (error.is('InvalidRequestException', 'scheduled for deletion') ||
      error.is('InvalidRequestException', 'was deleted'))
  );
}

/** A role that was made a moment ago is not known everywhere yet. */
export function isNewPrincipal(error: unknown): boolean {
  return (
    error instanceof AwsError &&
    error.is('MalformedPolicyDocumentException', 'unsupported principal')
  );
}
