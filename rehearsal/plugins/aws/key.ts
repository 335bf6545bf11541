/** `aws:kms/key:Key`, after kms/key.go. */
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type GetKeyRotationStatusResponse,
  type KeyMetadata,
  type KeySpec,
  type KeyUsageType,
  PutKeyPolicyCommand,
  paginateListResourceTags,
  ScheduleKeyDeletionCommand,
  type Tag,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import type { Call, Properties } from '../../../plugins/provider-server.ts';
import { retryWhen, waitFor } from './attempts.ts';
import { flag, json, pattern, text, whole } from './attributes.ts';
import { AwsError } from './errors.ts';
import { normalized, policiesAreEquivalent, policyToKeep } from './policy.ts';
import { AwsResource } from './resource.ts';
import { tagAttributes, tagChanges, tagList, tagsFound } from './tags.ts';

const PolicyName = 'default';

const isMissing = (error: unknown): boolean =>
  error instanceof AwsError && error.is('NotFoundException');

/** Principals of the policy that were made a moment ago are not known everywhere yet. */
const isNewPrincipal = (error: unknown): boolean =>
  isMissing(error) || (error instanceof AwsError && error.is('MalformedPolicyDocumentException'));

const forKms = (tags: { Key: string; Value: string }[]): Tag[] =>
  tags.map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value }));

export class Key extends AwsResource {
  protected override readonly noun = 'KMS Key';
  protected override readonly attributes = {
    arn: {},
    bypassPolicyLockoutSafetyCheck: { input: 'optional', default: false, mistake: flag },
    customerMasterKeySpec: {
      input: 'optional',
      replaces: true,
      default: 'SYMMETRIC_DEFAULT',
      mistake: pattern(/^[A-Z0-9_]+$/u, 'a key spec such as SYMMETRIC_DEFAULT'),
    },
    deletionWindowInDays: { input: 'optional', mistake: whole(7, 30) },
    description: { input: 'optional', computed: true, mistake: text },
    enableKeyRotation: { input: 'optional', default: false, mistake: flag },
    isEnabled: { input: 'optional', default: true, mistake: flag },
    keyId: {},
    keyUsage: {
      input: 'optional',
      replaces: true,
      default: 'ENCRYPT_DECRYPT',
      mistake: pattern(/^[A-Z_]+$/u, 'a key usage such as ENCRYPT_DECRYPT'),
    },
    multiRegion: { input: 'optional', computed: true, replaces: true, mistake: flag },
    policy: {
      input: 'optional',
      computed: true,
      mistake: json,
      same: (old, now) => policiesAreEquivalent(String(old), String(now)),
    },
    region: { input: 'optional', computed: true, replaces: true, mistake: text },
    rotationPeriodInDays: { input: 'optional', computed: true, mistake: whole(90, 2560) },
    ...tagAttributes,
  } as const satisfies AwsResource['attributes'];

  protected override async make(
    inputs: Properties,
    made: (id: string) => void,
    call: Call,
  ): Promise<void> {
    const client = this.account.kms(inputs.region);
    const command = new CreateKeyCommand({
      BypassPolicyLockoutSafetyCheck: inputs.bypassPolicyLockoutSafetyCheck === true,
      KeySpec: inputs.customerMasterKeySpec as KeySpec,
      KeyUsage: inputs.keyUsage as KeyUsageType,
      Tags: forKms(tagList(inputs)),
      ...(inputs.description ? { Description: String(inputs.description) } : {}),
      ...(inputs.multiRegion === true && { MultiRegion: true }),
      ...(inputs.policy ? { Policy: normalized(String(inputs.policy)) } : {}),
    });
    const { KeyMetadata } = await retryWhen(call, isNewPrincipal, () => client.send(command));
    const id = KeyMetadata?.KeyId ?? '';
    made(id);
    if (inputs.enableKeyRotation === true) await this.#rotation(id, inputs, call);
    if (inputs.isEnabled === false) await this.#enabled(id, inputs, call);
    if (inputs.policy) await this.#policySeen(id, inputs, call);
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    try {
      return await this.#found(id, state);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #found(id: string, state: Properties): Promise<Properties | undefined> {
    const key = await this.#describe(id, state.region);
    if (key === undefined) return undefined;
    const client = this.account.kms(state.region);
    const rotation = await this.#rotationOf(id, state.region);
    const tags: Tag[] = [];
    for await (const page of paginateListResourceTags({ client }, { KeyId: id })) {
      tags.push(...(page.Tags ?? []));
    }
    const found = tags.map(({ TagKey: Key, TagValue: Value }) => ({ Key, Value }));
    return {
      arn: key.Arn,
      bypassPolicyLockoutSafetyCheck: state.bypassPolicyLockoutSafetyCheck,
      customerMasterKeySpec: key.KeySpec,
      deletionWindowInDays: state.deletionWindowInDays,
      description: key.Description ?? '',
      enableKeyRotation: rotation.KeyRotationEnabled ?? false,
      isEnabled: key.Enabled,
      keyId: key.KeyId,
      keyUsage: key.KeyUsage,
      multiRegion: key.MultiRegion ?? false,
      policy: policyToKeep(state.policy, await this.#policyOf(id, state.region)),
      region: state.region ?? this.account.region,
      rotationPeriodInDays: rotation.RotationPeriodInDays,
      ...tagsFound(found, this.account.defaultTags, state),
    };
  }

  protected override async change(
    id: string,
    olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<void> {
    const client = this.account.kms(news.region);
    const toggled = this.changed('isEnabled', olds, news);
    // A disabled key cannot be changed: enabled first, disabled last.
    if (toggled && news.isEnabled === true) await this.#enabled(id, news, call);
    const period =
      news.enableKeyRotation === true && this.changed('rotationPeriodInDays', olds, news);
    if (this.changed('enableKeyRotation', olds, news) || period) {
      await this.#rotation(id, news, call);
    }
    if (this.changed('description', olds, news)) {
      const Description = String(news.description ?? '');
      await client.send(new UpdateKeyDescriptionCommand({ KeyId: id, Description }));
    }
    if (this.changed('policy', olds, news)) {
      const command = new PutKeyPolicyCommand({
        KeyId: id,
        PolicyName,
        Policy: normalized(String(news.policy)),
        BypassPolicyLockoutSafetyCheck: news.bypassPolicyLockoutSafetyCheck === true,
      });
      await retryWhen(call, isNewPrincipal, () => client.send(command));
      await this.#policySeen(id, news, call);
    }
    const { set, gone } = tagChanges(olds, news);
    if (gone.length > 0) await client.send(new UntagResourceCommand({ KeyId: id, TagKeys: gone }));
    if (set.length > 0) await client.send(new TagResourceCommand({ KeyId: id, Tags: forKms(set) }));
    if (toggled && news.isEnabled === false) await this.#enabled(id, news, call);
  }

  protected override async remove(id: string, state: Properties, call: Call): Promise<void> {
    const days = state.deletionWindowInDays;
    const window = typeof days === 'number' && days > 0 ? { PendingWindowInDays: days } : {};
    const client = this.account.kms(state.region);
    try {
      await client.send(new ScheduleKeyDeletionCommand({ KeyId: id, ...window }));
    } catch (error) {
      const pending =
        error instanceof AwsError && error.is('KMSInvalidStateException', 'is pending deletion');
      if (isMissing(error) || pending) return;
      throw error;
    }
    await waitFor(call, `${this.noun} (${id}) delete`, async () =>
      (await this.#describe(id, state.region)) === undefined ? true : undefined,
    );
  }

  /** @returns undefined for one that waits for its deletion, too */
  async #describe(KeyId: string, region: unknown): Promise<KeyMetadata | undefined> {
    try {
      const found = await this.account.kms(region).send(new DescribeKeyCommand({ KeyId }));
      const state = found.KeyMetadata?.KeyState ?? '';
      return /^Pending(?:Replica)?Deletion$/u.test(state) ? undefined : found.KeyMetadata;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #policyOf(KeyId: string, region: unknown): Promise<string> {
    const command = new GetKeyPolicyCommand({ KeyId, PolicyName });
    return (await this.account.kms(region).send(command)).Policy ?? '';
  }

  async #policySeen(id: string, { policy, region }: Properties, call: Call): Promise<void> {
    await waitFor(call, `${this.noun} (${id}) policy update`, async () =>
      policiesAreEquivalent(await this.#policyOf(id, region), String(policy)) ? true : undefined,
    );
  }

  async #rotationOf(KeyId: string, region: unknown): Promise<GetKeyRotationStatusResponse> {
    return await this.account.kms(region).send(new GetKeyRotationStatusCommand({ KeyId }));
  }

  async #rotation(id: string, inputs: Properties, call: Call): Promise<void> {
    const { enableKeyRotation: on, rotationPeriodInDays: days, region } = inputs;
    const client = this.account.kms(region);
    const period = typeof days === 'number' && days > 0 ? { RotationPeriodInDays: days } : {};
    await retryWhen(call, isMissing, async () => {
      if (on === true) await client.send(new EnableKeyRotationCommand({ KeyId: id, ...period }));
      else await client.send(new DisableKeyRotationCommand({ KeyId: id }));
    });
    await waitFor(call, `${this.noun} (${id}) rotation update`, async () => {
      const { KeyRotationEnabled = false } = await this.#rotationOf(id, region);
      return KeyRotationEnabled === on ? true : undefined;
    });
  }

  async #enabled(id: string, { isEnabled, region }: Properties, call: Call): Promise<void> {
    const client = this.account.kms(region);
    if (isEnabled === true) await client.send(new EnableKeyCommand({ KeyId: id }));
    else await client.send(new DisableKeyCommand({ KeyId: id }));
    await waitFor(call, `${this.noun} (${id}) update`, async () => {
      const found = await this.#describe(id, region);
      return found?.Enabled === isEnabled ? true : undefined;
    });
  }
}
