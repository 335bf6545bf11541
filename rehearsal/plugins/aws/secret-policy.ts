/** `aws:secretsmanager/secretPolicy:SecretPolicy`, after secretsmanager/secret_policy.go. */
import {
  DeleteResourcePolicyCommand,
  GetResourcePolicyCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-secrets-manager';
import type { Call, Properties } from '../../../plugins/provider-server.ts';
import { retryWhen } from './attempts.ts';
import { flag, json, text } from './attributes.ts';
import { AwsError } from './errors.ts';
import { normalized, policiesAreEquivalent, policyToKeep } from './policy.ts';
import { AwsResource } from './resource.ts';
import { isNewPrincipal } from './secret.ts';

export class SecretPolicy extends AwsResource {
  protected override readonly noun = 'Secrets Manager Secret Policy';
  protected override readonly attributes = {
    blockPublicPolicy: { input: 'optional', mistake: flag },
    policy: {
      input: 'required',
      mistake: json,
      same: (old, now) => policiesAreEquivalent(String(old), String(now)),
    },
    region: { input: 'optional', computed: true, replaces: true, mistake: text },
    secretArn: { input: 'required', replaces: true, mistake: text },
  } as const satisfies AwsResource['attributes'];

  protected override async make(
    inputs: Properties,
    made: (id: string) => void,
    call: Call,
  ): Promise<void> {
    made(await this.#put(String(inputs.secretArn), inputs, call));
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    const client = this.account.secrets(state.region);
    try {
      const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId: id }));
      return {
        blockPublicPolicy: state.blockPublicPolicy,
        // Somebody else took it away: the next update puts it back.
        policy: ResourcePolicy === undefined ? '' : policyToKeep(state.policy, ResourcePolicy),
        region: state.region ?? this.account.region,
        secretArn: id,
      };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  protected override async change(
    id: string,
    _olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<void> {
    await this.#put(id, news, call);
  }

  protected override async remove(id: string, { region }: Properties): Promise<void> {
    try {
      await this.account.secrets(region).send(new DeleteResourcePolicyCommand({ SecretId: id }));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** @returns the ARN of the secret, which is this resource's id */
  async #put(
    id: string,
    { policy, blockPublicPolicy, region }: Properties,
    call: Call,
  ): Promise<string> {
    const command = new PutResourcePolicyCommand({
      SecretId: id,
      ResourcePolicy: normalized(String(policy)),
      ...(typeof blockPublicPolicy === 'boolean' && { BlockPublicPolicy: blockPublicPolicy }),
    });
    const client = this.account.secrets(region);
    const { ARN = id } = await retryWhen(call, isNewPrincipal, () => client.send(command));
    return ARN;
  }
}

function isGone(error: unknown): boolean {
  return (
    error instanceof AwsError &&
    (error.is('ResourceNotFoundException') ||
      error.is('InvalidRequestException', 'marked for deletion') ||
      error.is('InvalidRequestException', 'was deleted'))
  );
}
