/**
 * `aws:secretsmanager/secretVersion:SecretVersion`, after secretsmanager/secret_version.go.
 *
 * A change replaces: the new version is put first and takes AWSCURRENT, the old one becomes
 * AWSPREVIOUS; removing the old one then takes away only the labels that the state knows of it,
 * and AWSCURRENT never, so that AWSPREVIOUS stays.
 */
import {
  GetSecretValueCommand,
  type GetSecretValueResponse,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { type Call, PluginError, type Properties } from '../../../plugins/provider-server.ts';
import { waitFor } from './attempts.ts';
import { sameSet, text, texts } from './attributes.ts';
import { AwsError } from './errors.ts';
import { AwsResource } from './resource.ts';
import { uniqueId } from './unique-id.ts';

const current = 'AWSCURRENT';
const previous = 'AWSPREVIOUS';

export class SecretVersion extends AwsResource {
  protected override readonly noun = 'Secrets Manager Secret Version';
  protected override readonly attributes = {
    arn: {},
    hasSecretStringWo: {},
    region: { input: 'optional', computed: true, replaces: true, mistake: text },
    secretArn: {},
    secretBinary: { secret: true },
    secretId: { input: 'required', replaces: true, mistake: text },
    secretString: { input: 'optional', replaces: true, secret: true, mistake: text },
    versionId: {},
    versionStages: { input: 'optional', computed: true, mistake: texts, same: sameSet },
  } as const satisfies AwsResource['attributes'];

  protected override async make(inputs: Properties, made: (id: string) => void): Promise<void> {
    const { secretId, secretString, versionStages, region } = inputs;
    const { VersionId = '' } = await this.account.secrets(region).send(
      new PutSecretValueCommand({
        // A token of its own every time, as the official provider's: a repeated create is another version.
        ClientRequestToken: uniqueId(),
        SecretId: String(secretId),
        ...(typeof secretString === 'string' &&
          secretString !== '' && { SecretString: secretString }),
        ...(Array.isArray(versionStages) && { VersionStages: versionStages as string[] }),
      }),
    );
    made(`${secretId}|${VersionId}`);
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    const [secretId, versionId] = partsOf(id);
    const found = await this.#value(secretId, versionId, state.region);
    if (found === undefined) return undefined;
    return {
      arn: found.ARN,
      hasSecretStringWo: false,
      region: state.region ?? this.account.region,
      secretArn: found.ARN,
      secretBinary: '',
      secretId,
      secretString: found.SecretString ?? '',
      versionId: found.VersionId,
      versionStages: found.VersionStages ?? [],
    };
  }

  protected override async change(id: string, olds: Properties, news: Properties): Promise<void> {
    const [secretId, versionId] = partsOf(id);
    const client = this.account.secrets(news.region);
    const [old, now] = [stagesOf(olds), stagesOf(news)];
    let moved = false;
    for (const VersionStage of now.filter((stage) => !old.includes(stage))) {
      const from =
        VersionStage === current ? await this.#currentOf(secretId, news.region) : undefined;
      if (from !== undefined) moved = true;
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secretId,
          VersionStage,
          MoveToVersionId: versionId,
          ...(from !== undefined && { RemoveFromVersionId: from }),
        }),
      );
    }
    for (const stage of old.filter((each) => !now.includes(each))) {
      // AWSCURRENT can only be moved; moving it has taken AWSPREVIOUS along.
      if (stage === current || (moved && stage === previous)) continue;
      await this.#unlabel(secretId, versionId, stage, news.region);
    }
  }

  protected override async remove(id: string, state: Properties, call: Call): Promise<void> {
    const [secretId, versionId] = partsOf(id);
    for (const stage of stagesOf(state).filter((each) => each !== current)) {
      try {
        await this.#unlabel(secretId, versionId, stage, state.region);
      } catch (error) {
        if (isGone(error)) return;
        throw error;
      }
    }
    await waitFor(call, `${this.noun} (${id}) delete`, async () => {
      const found = await this.#value(secretId, versionId, state.region);
      const [stage, ...others] = found?.VersionStages ?? [];
      const left =
        stage === undefined || (others.length === 0 && [current, previous].includes(stage));
      return found === undefined || left ? true : undefined;
    });
  }

  async #value(
    SecretId: string,
    VersionId: string,
    region: unknown,
  ): Promise<GetSecretValueResponse | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId, VersionId });
      return await this.account.secrets(region).send(command);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async #currentOf(SecretId: string, region: unknown): Promise<string | undefined> {
    const command = new ListSecretVersionIdsCommand({ SecretId });
    const { Versions = [] } = await this.account.secrets(region).send(command);
    return Versions.find(({ VersionStages = [] }) => VersionStages.includes(current))?.VersionId;
  }

  async #unlabel(
    SecretId: string,
    RemoveFromVersionId: string,
    VersionStage: string,
    region: unknown,
  ): Promise<void> {
    const input = { SecretId, RemoveFromVersionId, VersionStage };
    await this.account.secrets(region).send(new UpdateSecretVersionStageCommand(input));
  }
}

function stagesOf({ versionStages }: Properties): readonly string[] {
  return Array.isArray(versionStages) ? (versionStages as string[]) : [];
}

function partsOf(id: string): readonly [string, string] {
  const [secretId = '', versionId = ''] = id.split('|', 2);
  if (secretId === '' || versionId === '') {
    throw new PluginError(`unexpected format of ID (${id}), expected SecretID|VersionID`);
  }
  return [secretId, versionId];
}

/** There is no such version, or no such secret any more. */
function isGone(error: unknown): boolean {
  return (
    error instanceof AwsError &&
    (error.is('ResourceNotFoundException') ||
      error.is('InvalidRequestException', 'because it was deleted') ||
      error.is('InvalidRequestException', 'because it was marked for deletion') ||
      // moto's words for the same.
      error.is('InvalidRequestException', 'marked deleted'))
  );
}
