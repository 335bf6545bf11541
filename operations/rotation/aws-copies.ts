/**
 * Old versions of a group in AWS Secrets Manager. A version without a staging label is deprecated, and
 * AWS deletes it: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
 */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Stored } from '../engine/adoption.ts';
import { CommandError } from '../engine/command-error.ts';
import type { StackState } from './stack-state.ts';

const current = 'AWSCURRENT';

export interface RemovedCopies {
  /** As a person names the place. */
  readonly place: string;
  /** How many versions; 0 when nothing was left. */
  readonly count: number;
}

/** What the state has of a group there. */
export function awsVersionOf(group: string, state: StackState): Stored | undefined {
  return state.find('aws:secretsmanager/secretVersion:SecretVersion', `${group}-version`);
}

/**
 * Takes every label from every version but the current one, which must be the one that the state knows.
 * @returns undefined when the group is not stored there
 * @throws CommandError with one line
 */
export async function removeAwsCopies(
  group: string,
  state: StackState,
): Promise<RemovedCopies | undefined> {
  const version = awsVersionOf(group, state);
  const { region } = version === undefined ? {} : state.providerOf(version);
  const [id = '', known = ''] = version?.id?.split('|') ?? [];
  if (id === '' || typeof region !== 'string') return undefined;
  const place = `AWS secret ${id.split(':secret:')[1] ?? id}`;
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({ region });
  try {
    return { place, count: await unlabel(client, { place, id, known }) };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { name = 'an error' } = error as Partial<Error>;
    throw new CommandError(
      `${place}: got ${name} for its old versions; allowed: a caller with secretsmanager:ListSecretVersionIds and UpdateSecretVersionStage; fix: take a role that deploys`,
    );
  } finally {
    client.destroy();
  }
}

interface Place {
  readonly place: string;
  /** The secret's. */
  readonly id: string;
  /** Id of the version that the state has. */
  readonly known: string;
}

async function unlabel(client: SecretsManagerClient, { place, id, known }: Place): Promise<number> {
  const { paginateListSecretVersionIds, UpdateSecretVersionStageCommand } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const labelled: { id: string; stages: readonly string[] }[] = [];
  for await (const { Versions = [] } of paginateListSecretVersionIds(
    { client },
    { SecretId: id },
  )) {
    for (const { VersionId = '', VersionStages = [] } of Versions) {
      if (VersionStages.length > 0) labelled.push({ id: VersionId, stages: VersionStages });
    }
  }
  if (labelled.find(({ stages }) => stages.includes(current))?.id !== known) {
    throw new CommandError(
      `${place}: got another current version than the one that the stack has delivered; allowed: one writer a secret; fix: find out who has written it, and rotate once more`,
    );
  }
  const old = labelled.filter((each) => each.id !== known);
  for (const { id: RemoveFromVersionId, stages } of old) {
    for (const VersionStage of stages) {
      const input = { SecretId: id, VersionStage, RemoveFromVersionId };
      await client.send(new UpdateSecretVersionStageCommand(input));
    }
  }
  return old.length;
}
