/** `aws:kms/alias:Alias`, after kms/alias.go. */
import {
  type AliasListEntry,
  CreateAliasCommand,
  DeleteAliasCommand,
  paginateListAliases,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import type { Call, Properties } from '../../../plugins/provider-server.ts';
import { retryWhen } from './attempts.ts';
import { pattern, text } from './attributes.ts';
import { AwsError } from './errors.ts';
import { AwsResource } from './resource.ts';

const isMissing = (error: unknown): boolean =>
  error instanceof AwsError && error.is('NotFoundException');

/** A key by its id or its ARN is the same key. */
const sameKey = (old: unknown, now: unknown): boolean =>
  String(old).split('/').at(-1) === String(now).split('/').at(-1);

export class Alias extends AwsResource {
  protected override readonly noun = 'KMS Alias';
  protected override readonly autoName = { longest: 255, prefix: 'alias/' };
  protected override readonly attributes = {
    arn: {},
    name: {
      input: 'optional',
      computed: true,
      replaces: true,
      mistake: pattern(
        /^alias\/[a-zA-Z0-9/_-]+$/u,
        'alias/ and then letters, digits and any of /_-',
      ),
    },
    region: { input: 'optional', computed: true, replaces: true, mistake: text },
    targetKeyArn: {},
    targetKeyId: { input: 'required', mistake: text, same: sameKey },
  } as const satisfies AwsResource['attributes'];

  protected override async make(
    { name, targetKeyId, region }: Properties,
    made: (id: string) => void,
    call: Call,
  ): Promise<void> {
    const input = { AliasName: String(name), TargetKeyId: String(targetKeyId) };
    const client = this.account.kms(region);
    // A key that was made a moment ago may not be known yet.
    await retryWhen(call, isMissing, () => client.send(new CreateAliasCommand(input)));
    made(String(name));
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    const found = await this.#find(id, state.region);
    if (found === undefined) return undefined;
    const { AliasArn: arn = '', AliasName: name, TargetKeyId: targetKeyId = '' } = found;
    return {
      arn,
      name,
      region: state.region ?? this.account.region,
      targetKeyArn: arn.replace(/alias\/.*$/u, `key/${targetKeyId}`),
      targetKeyId,
    };
  }

  protected override async change(
    id: string,
    _olds: Properties,
    { targetKeyId, region }: Properties,
  ): Promise<void> {
    const input = { AliasName: id, TargetKeyId: String(targetKeyId) };
    await this.account.kms(region).send(new UpdateAliasCommand(input));
  }

  protected override async remove(id: string, { region }: Properties): Promise<void> {
    try {
      await this.account.kms(region).send(new DeleteAliasCommand({ AliasName: id }));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #find(name: string, region: unknown): Promise<AliasListEntry | undefined> {
    for await (const page of paginateListAliases({ client: this.account.kms(region) }, {})) {
      const found = page.Aliases?.find(({ AliasName }) => AliasName === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
