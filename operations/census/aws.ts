/**
 * What AWS Secrets Manager has of a stack: that each secret is there, with its tags, and that its
 * current version is the one which the last `up` wrote. No value is asked for.
 */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsAccount } from '../../components/systems.ts';
import type { Answers, Drift, Expected, Reader, Sighting, Unasked } from './facts.ts';
import { together } from './facts.ts';
import { shownName } from './names.ts';

export interface StoreCase {
  readonly target: string;
  readonly stack: string;
  /** First part of every name. */
  readonly prefix: string;
  readonly environment: string;
  readonly groups: readonly Expected[];
  /** Tags of a secret, by group: `owner`, `max-age-days`. */
  readonly about: (group: string) => Readonly<Record<string, string>>;
}

export interface AwsCase extends StoreCase {
  readonly aws: AwsAccount;
  /** Ids of the versions that the last `up` wrote, by group. */
  readonly versions: ReadonlyMap<string, string>;
}

const current = 'AWSCURRENT';

/** Asks with the caller's own credentials, as the AWS CLI finds them. */
export async function askAws(about: AwsCase): Promise<Answers> {
  const { account, region } = about.aws;
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const sts = new STSClient({ region });
  const client = new SecretsManagerClient({ region });
  try {
    const { Account } = await sts.send(new GetCallerIdentityCommand({}));
    if (Account !== account) {
      const fix = 'take credentials of that account (AWS_PROFILE)';
      const got = `credentials of account ${Account}, and not of ${account}`;
      return {
        sightings: [],
        drifts: [],
        unasked: [{ target: about.target, what: 'AWS', got, fix }],
      };
    }
    return await askStore(client, about);
  } catch (error) {
    return { sightings: [], drifts: [], unasked: [silent(about.target, 'AWS', error)] };
  } finally {
    sts.destroy();
    client.destroy();
  }
}

/** What AWS, or the SDK, says besides a name may hold what was sent. */
function silent(target: string, what: string, error: unknown): Unasked {
  const { name = '' } = error as Partial<Error>;
  const got = /^\w{1,60}$/u.test(name) ? name : 'no answer';
  const fix =
    'take a role that may describe and list secrets (aws sts get-caller-identity says which you have)';
  return { target, what, got, fix };
}

export async function askStore(
  client: Pick<SecretsManagerClient, 'send'>,
  about: AwsCase,
): Promise<Answers> {
  const asked: Answers[] = [];
  for (const group of about.groups) asked.push(await askGroup(client, about, group));
  return together([...asked, await askStrangers(client, about)]);
}

async function askGroup(
  client: Pick<SecretsManagerClient, 'send'>,
  about: AwsCase,
  expected: Expected,
): Promise<Answers> {
  const { DescribeSecretCommand, ListSecretVersionIdsCommand } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const { target, stack, prefix, environment } = about;
  const { group, keys, tag } = expected;
  const SecretId = `${prefix}/${group}`;
  const base = { target, place: `AWS secret ${SecretId}`, fix: `npm start -- --stack ${stack}` };
  const missing = (found: string, fix: string): Answers => ({
    sightings: [],
    drifts: [
      {
        kind: 'missing',
        ...base,
        expected: tag === undefined ? 'what somebody else writes' : `tag ${tag}`,
        found,
        cause: 'somebody deleted it after the last up',
        fix,
      },
    ],
    unasked: [],
  });
  try {
    const found = await client.send(new DescribeSecretCommand({ SecretId }));
    if (found.DeletedDate !== undefined) {
      return missing('one that waits for its deletion', `npm run restore -- --stack ${stack}`);
    }
    const { Versions = [] } = await client.send(new ListSecretVersionIdsCommand({ SecretId }));
    const version = Versions.find(({ VersionStages }) => VersionStages?.includes(current));
    const drifts: Drift[] = [];
    const wanted = { environment, group, ...about.about(group) };
    const has = new Map(found.Tags?.map(({ Key, Value }) => [Key, Value]));
    const other = Object.entries(wanted).filter(([name, value]) => has.get(name) !== value);
    if (other.length > 0) {
      drifts.push({
        kind: 'changed',
        ...base,
        expected: other.map(([name, value]) => `tag ${name} ${value}`).join(', '),
        found: other.map(([name]) => `${name} ${shownName(has.get(name) ?? 'unset')}`).join(', '),
        cause: 'somebody changed the tags in AWS',
      });
    }
    const written = about.versions.get(group);
    const isWritten = version?.VersionId !== undefined && version.VersionId === written;
    if (tag !== undefined && !isWritten) {
      const since = version?.CreatedDate?.toISOString();
      drifts.push({
        kind: version === undefined ? 'missing' : 'changed',
        ...base,
        expected: `tag ${tag}, of version ${written ?? 'that the state does not name'}`,
        found:
          version === undefined
            ? 'no current version'
            : `version ${shownVersion(version.VersionId)}${since === undefined ? '' : `, written ${since}`}`,
        cause: 'somebody wrote another value into it after the last up',
        fix: fixOf(SecretId, written, version?.VersionId, Versions, about),
      });
    }
    const sighting: Sighting = {
      target,
      place: base.place,
      keys,
      tag: isWritten ? tag : undefined,
      since: (version?.CreatedDate ?? found.LastChangedDate)?.toISOString(),
      readers: readersOf(about.aws),
    };
    return { sightings: [sighting], drifts, unasked: [] };
  } catch (error) {
    if ((error as Partial<Error>).name === 'ResourceNotFoundException') {
      return missing('none', base.fix);
    }
    return { sightings: [], drifts: [], unasked: [silent(target, base.place, error)] };
  }
}

/** A version that is there becomes the current one again; no value passes through anybody's hands. */
function fixOf(
  SecretId: string,
  written: string | undefined,
  found: string | undefined,
  versions: readonly { readonly VersionId?: string | undefined }[],
  { stack, aws }: AwsCase,
): string {
  const isKept = versions.some(({ VersionId }) => VersionId === written);
  if (written === undefined || !isKept)
    return `npm run rotate -- --stack ${stack} ${SecretId.split('/').at(-1)}`;
  const from = found === undefined ? '' : ` --remove-from-version-id ${shownVersion(found)}`;
  return `aws --region ${aws.region} secretsmanager update-secret-version-stage --secret-id ${SecretId} --version-stage ${current} --move-to-version-id ${written}${from}`;
}

async function askStrangers(
  client: Pick<SecretsManagerClient, 'send'>,
  { target, prefix, groups, environment }: AwsCase,
): Promise<Answers> {
  const { ListSecretsCommand } = await import('@aws-sdk/client-secrets-manager');
  const known = groups.map(({ group }) => `${prefix}/${group}`);
  const drifts: Drift[] = [];
  try {
    let NextToken: string | undefined;
    do {
      const Filters = [{ Key: 'name' as const, Values: [`${prefix}/`] }];
      const page = await client.send(
        new ListSecretsCommand({ Filters, ...(NextToken !== undefined && { NextToken }) }),
      );
      for (const { Name = '', CreatedDate, Tags } of page.SecretList ?? []) {
        // Behind one more slash begins another prefix.
        const isChild = /^[^/]+$/u.test(Name.slice(prefix.length + 1));
        if (!Name.startsWith(`${prefix}/`) || !isChild || known.includes(Name)) continue;
        const of = Tags?.find(({ Key }) => Key === 'environment')?.Value;
        if (of !== undefined && of !== environment) continue;
        const since = CreatedDate === undefined ? '' : `, made ${CreatedDate.toISOString()}`;
        drifts.push({
          kind: 'unknown',
          target,
          place: `AWS secret ${shownName(Name)}`,
          expected: 'none of that name',
          found: `one that the stack does not know${since}`,
          cause: 'somebody made it below the prefix, or it is of a group no longer used',
          fix: `aws secretsmanager describe-secret --secret-id ${shownName(Name)} says whose it is`,
        });
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return { sightings: [], drifts, unasked: [] };
  } catch (error) {
    const what = `AWS secrets below ${prefix}/`;
    return { sightings: [], drifts, unasked: [silent(target, what, error)] };
  }
}

function readersOf(aws: AwsAccount): readonly Reader[] {
  const role = `role arn:aws:iam::${aws.account}:role/${aws.readerRole}`;
  return [
    { who: role, by: 'its policy read-secrets', live: false },
    ...aws.deployRoles.map((arn) => ({
      who: `role ${arn}`,
      by: 'setting deployRoles',
      live: false,
    })),
    ...aws.breakGlassRoles.map((arn) => {
      return { who: `role ${arn}`, by: 'setting breakGlassRoles', live: false };
    }),
  ];
}

function shownVersion(id = 'unknown'): string {
  return /^[\w-]{1,64}$/u.test(id) ? id : 'of another form';
}
