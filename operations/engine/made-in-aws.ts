/**
 * Ids of what a killed run may have made in AWS, where the id is not the name: looked for by what
 * only this stack's own has. What is not told is made again, and the run itself says why AWS did not
 * answer (docs/decisions/0014-what-a-killed-run-made.md).
 */
import { isDeepStrictEqual } from 'node:util';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { Deployment, Stored } from './adoption.ts';

type Inputs = Readonly<Record<string, unknown>>;
interface Tag {
  readonly name: string | undefined;
  readonly value: string | undefined;
}
/** Clients' configuration. */
interface Place {
  readonly region: string;
}

/** @returns undefined for what is not there, or is somebody else's; throws what the SDK throws */
type Look = (inputs: Inputs, place: Place, state: Deployment) => Promise<string | undefined>;

const looks: Readonly<Record<string, Look>> = {
  'aws:secretsmanager/secret:Secret': findSecret,
  'aws:secretsmanager/secretVersion:SecretVersion': findVersion,
  'aws:kms/key:Key': findKey,
  'aws:kms/alias:Alias': findAlias,
  'aws:iam/role:Role': findRole,
};

/** Whether things of a type are looked for here. */
export function isLookedFor(type: string | undefined): boolean {
  return type !== undefined && Object.hasOwn(looks, type);
}

/**
 * The id of a thing that a killed run was making.
 * @returns undefined also where AWS does not answer, after a line that names it
 */
export async function idInAws(
  { urn, type = '', inputs = {}, provider }: Stored,
  state: Deployment,
): Promise<string | undefined> {
  try {
    return await looks[type]?.(inputs, placeOf(provider, state), state);
  } catch (error) {
    const { name = 'an error' } = error as Partial<Error>;
    const what = `${type.split(':').at(-1)} ${urn.split('::').at(-1)}`;
    console.error(
      `- ${what}: got ${name} when it was looked for; allowed: a caller that may read it; ` +
        'fix: nothing if AWS does not have it, else npm run pulumi -- import',
    );
    return undefined;
  }
}

/** Where the resource's provider works, as the state has it: `<URN>::<id>`. */
function placeOf(provider: unknown, { deployment }: Deployment): Place {
  const urn = String(provider).split('::').slice(0, -1).join('::');
  const region = deployment.resources?.find((each) => each.urn === urn)?.inputs?.region;
  if (typeof region === 'string') return { region };
  throw new Error(`${urn}: no region`);
}

function isTagged(tags: unknown, found: readonly Tag[]): boolean {
  const wanted = Object.entries((tags ?? {}) as Readonly<Record<string, unknown>>);
  return wanted.every(([name, value]) =>
    found.some((tag) => tag.name === name && tag.value === value),
  );
}

/** By its name; it is ours when its tags and its key are those that it was to have. */
async function findSecret(
  { name, tags, kmsKeyId }: Inputs,
  place: Place,
): Promise<string | undefined> {
  if (typeof name !== 'string') return undefined;
  const { DescribeSecretCommand, ResourceNotFoundException, SecretsManagerClient } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const client = new SecretsManagerClient(place);
  try {
    const found = await client.send(new DescribeSecretCommand({ SecretId: name }));
    const own = (found.Tags ?? []).map(({ Key, Value }) => ({ name: Key, value: Value }));
    const isOurs =
      found.DeletedDate === undefined && found.KmsKeyId === kmsKeyId && isTagged(tags, own);
    return isOurs ? found.ARN : undefined;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

/** The newest: there is one writer a secret, and what is newer than the state was being written. */
async function findVersion({ secretId }: Inputs, place: Place): Promise<string | undefined> {
  if (typeof secretId !== 'string') return undefined;
  const { ListSecretVersionIdsCommand, SecretsManagerClient } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const client = new SecretsManagerClient(place);
  try {
    const command = new ListSecretVersionIdsCommand({ SecretId: secretId });
    const { Versions = [] } = await client.send(command);
    const current = Versions.find(({ VersionStages }) => VersionStages?.includes('AWSCURRENT'));
    return current?.VersionId === undefined ? undefined : `${secretId}|${current.VersionId}`;
  } finally {
    client.destroy();
  }
}

async function withKms<T>(place: Place, work: (client: KMSClient) => Promise<T>): Promise<T> {
  const { KMSClient } = await import('@aws-sdk/client-kms');
  const client = new KMSClient(place);
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

/** A key has no name: it is ours when it has our description and tags, no alias, and no owner in the state. */
async function findKey(
  { description, tags }: Inputs,
  place: Place,
  { deployment }: Deployment,
): Promise<string | undefined> {
  const { DescribeKeyCommand, ListAliasesCommand, ListResourceTagsCommand, paginateListKeys } =
    await import('@aws-sdk/client-kms');
  const known = new Set(deployment.resources?.map(({ id }) => id));
  return await withKms(place, async (client) => {
    const ids: string[] = [];
    for await (const { Keys = [] } of paginateListKeys({ client }, {})) {
      ids.push(...Keys.flatMap(({ KeyId }) => KeyId ?? []));
    }
    for (const KeyId of ids) {
      if (known.has(KeyId)) continue;
      const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
      const { KeyManager, KeyState, Description } = KeyMetadata ?? {};
      if (KeyManager !== 'CUSTOMER' || KeyState !== 'Enabled' || Description !== description) {
        continue;
      }
      const { Aliases = [] } = await client.send(new ListAliasesCommand({ KeyId }));
      const { Tags = [] } = await client.send(new ListResourceTagsCommand({ KeyId }));
      const own = Tags.map(({ TagKey, TagValue }) => ({ name: TagKey, value: TagValue }));
      if (Aliases.length === 0 && isTagged(tags, own)) return KeyId;
    }
    return undefined;
  });
}

/** By its name; it is ours when it is our key's. */
async function findAlias({ name, targetKeyId }: Inputs, place: Place): Promise<string | undefined> {
  if (typeof name !== 'string' || typeof targetKeyId !== 'string') return undefined;
  const { ListAliasesCommand } = await import('@aws-sdk/client-kms');
  return await withKms(place, async (client) => {
    const { Aliases = [] } = await client.send(new ListAliasesCommand({ KeyId: targetKeyId }));
    return Aliases.some(({ AliasName }) => AliasName === name) ? name : undefined;
  });
}

/** By its name; it is ours when it trusts whom ours was to trust. */
async function findRole(
  { name, assumeRolePolicy }: Inputs,
  place: Place,
): Promise<string | undefined> {
  if (typeof name !== 'string' || typeof assumeRolePolicy !== 'string') return undefined;
  const { GetRoleCommand, IAMClient, NoSuchEntityException } = await import('@aws-sdk/client-iam');
  const client = new IAMClient(place);
  try {
    const { Role } = await client.send(new GetRoleCommand({ RoleName: name }));
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html: URL-encoded
    const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? 'null');
    return isDeepStrictEqual(JSON.parse(trust), JSON.parse(assumeRolePolicy)) ? name : undefined;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}
