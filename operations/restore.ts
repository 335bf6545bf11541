/**
 * `npm run restore -- --stack NAME`: has back what a destroy scheduled for deletion, the secrets
 * `<prefix>/<group>` and their key, and puts them into the stack's state again, so that the next
 * `up` goes on with the same names. It writes no value and changes no policy. It may be run again:
 * what is there already stays as it is.
 */
import { parseArgs } from 'node:util';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groupNames } from '../components/catalog.ts';
import { type Deployment, type Planned, plannedCreates, withPlaces } from './engine/adoption.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Answer, type Engine, prepareEngine } from './engine/engine.ts';
import { projectName } from './engine/workspace.ts';

const target = 'aws-secrets-manager';
const secretType = 'aws:secretsmanager/secret:Secret';
const keyType = 'aws:kms/key:Key';

/** The settings of a stack that say where its secrets are. */
export interface Place {
  readonly stack: string;
  readonly prefix: string;
  readonly region: string;
  /** 12 digits. */
  readonly account: string;
  /** As the tag `environment` of a secret says it; empty where the stack does not. */
  readonly environment: string;
}

/** What was found in AWS, and what had to be done to have it. */
export interface Restored {
  /** By name: the ARN. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Ids of the keys that these secrets are encrypted with, and that are nobody else's. */
  readonly keys: readonly string[];
  /** What was waiting for its deletion: names of secrets. */
  readonly savedSecrets: readonly string[];
  /** Ids of keys. */
  readonly savedKeys: readonly string[];
}

type Config = Readonly<Record<string, { readonly value?: string; readonly objectValue?: unknown }>>;

/** @throws CommandError when the stack delivers to no AWS, or does not say where */
export function placeOf(stack: string, config: Config): Place {
  const setting = (name: string): Config[string] => config[`${projectName}:${name}`] ?? {};
  const { objectValue: targets } = setting('targets');
  if (!Array.isArray(targets) || !targets.includes(target)) {
    throw new CommandError(
      `stack ${stack}: got targets ${Array.isArray(targets) ? targets.join(', ') : 'unset'}; ` +
        `allowed: a stack with the target ${target}; fix: npm run restore -- --stack NAME of such a stack`,
    );
  }
  const [prefix, region, account] = ['prefix', 'region', 'account'].map((name) => {
    const { value } = setting(name);
    if (value !== undefined && value !== '') return value;
    throw new CommandError(
      `${name}: got nothing; allowed: where the secrets of stack ${stack} are; ` +
        `fix: npm run pulumi -- config set ${name} ${name.toUpperCase()} --stack ${stack}`,
    );
  }) as [string, string, string];
  return { stack, prefix, region, account, environment: setting('environment').value ?? '' };
}

/** The line of an error of the SDK. AWS quotes names; what was signed is a credential. */
function refusalOf(what: string, error: unknown): CommandError {
  const { name = 'an error', message = '' } = error as Partial<Error>;
  const tells = !/Signature|Token|^SyntaxError$/u.test(name);
  const words = tells ? message.replaceAll(/\s+/gu, ' ').trim() : '';
  return new CommandError(
    `${what}: got ${name}${words === '' ? '' : ` (${words})`}; allowed: a caller that may restore; ` +
      'fix: take a role that deploys, then the same command again',
  );
}

async function refuseOtherAccount({ account, region }: Place): Promise<void> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient({ region });
  const found = await client.send(new GetCallerIdentityCommand({})).catch((error: unknown) => {
    throw refusalOf('account', error);
  });
  client.destroy();
  if (found.Account === account) return;
  throw new CommandError(
    `account: got ${found.Account}; allowed: ${account}; fix: take credentials of that account (AWS_PROFILE); nothing was changed`,
  );
}

/**
 * Has back the secrets of a place and their keys.
 * @throws CommandError with one line when AWS refuses
 */
export async function restoreSecrets(place: Place): Promise<Restored> {
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const { KMSClient } = await import('@aws-sdk/client-kms');
  const client = new SecretsManagerClient({ region: place.region });
  const kms = new KMSClient({ region: place.region });
  const secrets = new Map<string, string>();
  const keys = new Set<string>();
  const savedSecrets: string[] = [];
  const savedKeys: string[] = [];
  for (const group of groupNames) {
    const name = `${place.prefix}/${group}`;
    const found = await restoreSecret(client, name, { group, environment: place.environment });
    if (found === undefined) continue;
    secrets.set(name, found.arn);
    if (found.saved) savedSecrets.push(name);
    if (found.key !== undefined) keys.add(found.key);
  }
  const own: string[] = [];
  for (const key of keys) {
    const found = await restoreKey(kms, key);
    if (found === undefined) continue;
    own.push(found.id);
    if (found.saved) savedKeys.push(found.id);
  }
  client.destroy();
  kms.destroy();
  return { secrets, keys: own, savedSecrets, savedKeys };
}

interface FoundSecret {
  readonly arn: string;
  readonly key: string | undefined;
  readonly saved: boolean;
}

/**
 * @param tags that a secret of this stack has
 * @returns undefined when there is none
 * @throws CommandError for one of somebody else
 */
async function restoreSecret(
  client: SecretsManagerClient,
  name: string,
  tags: Readonly<Record<string, string>>,
): Promise<FoundSecret | undefined> {
  const { DescribeSecretCommand, ResourceNotFoundException, RestoreSecretCommand } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  try {
    const found = await client.send(new DescribeSecretCommand({ SecretId: name }));
    const has = new Map(found.Tags?.map(({ Key, Value }) => [Key, Value]));
    const other = Object.keys(tags).find((key) => tags[key] !== '' && has.get(key) !== tags[key]);
    if (other !== undefined) {
      throw new CommandError(
        `${name}: got tag ${other} ${has.get(other) ?? 'unset'}; allowed: ${tags[other]}, as this stack tags its own; ` +
          'fix: set another prefix, or the tag if the secret is yours',
      );
    }
    const saved = found.DeletedDate !== undefined;
    if (saved) await client.send(new RestoreSecretCommand({ SecretId: found.ARN }));
    return { arn: found.ARN ?? '', key: found.KmsKeyId, saved };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof ResourceNotFoundException) return undefined;
    throw refusalOf(name, error);
  }
}

/** @returns undefined for a key of AWS's own, and for one that is gone */
async function restoreKey(
  client: KMSClient,
  KeyId: string,
): Promise<{ readonly id: string; readonly saved: boolean } | undefined> {
  const { CancelKeyDeletionCommand, DescribeKeyCommand, EnableKeyCommand, NotFoundException } =
    await import('@aws-sdk/client-kms');
  try {
    const { KeyMetadata: found } = await client.send(new DescribeKeyCommand({ KeyId }));
    if (found?.KeyId === undefined || found.KeyManager === 'AWS') return undefined;
    const saved = found.KeyState === 'PendingDeletion';
    if (saved) await client.send(new CancelKeyDeletionCommand({ KeyId: found.KeyId }));
    // A key whose deletion was cancelled is disabled, and its secrets cannot be read.
    if (saved || found.KeyState === 'Disabled') {
      await client.send(new EnableKeyCommand({ KeyId: found.KeyId }));
    }
    return { id: found.KeyId, saved };
  } catch (error) {
    if (error instanceof NotFoundException) return undefined;
    throw refusalOf(`key ${KeyId}`, error);
  }
}

/** What of the plan exists already: ids by URN. A key is known by the secrets that need it. */
export function existing(
  plan: readonly Planned[],
  { secrets, keys }: Restored,
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const { urn, type, inputs, dependencies = [] } of plan) {
    const arn = type === secretType ? secrets.get(String(inputs?.name)) : undefined;
    if (arn === undefined) continue;
    const [key, ...others] = plan.filter(
      (each) => each.type === keyType && dependencies.includes(each.urn),
    );
    const [id, ...more] = keys;
    // Two keys could be mixed up; then `up` makes a new one, and the old one stays as it is.
    if (key !== undefined && id !== undefined && others.length + more.length === 0) {
      ids.set(key.urn, id);
    }
    ids.set(urn, arn);
  }
  return ids;
}

/** Puts what exists into the state. @returns ARNs and ids of what it made places for */
export async function adopt(engine: Engine, restored: Restored): Promise<readonly string[]> {
  const { stack } = engine;
  const preview = await engine.ask(['preview', '--json', '--stack', stack]);
  const plan = succeeded(preview, 'preview') ? plannedCreates(preview.stdout) : [];
  const ids = existing(plan, restored);
  if (ids.size === 0) return [];
  const exported = await engine.ask(['stack', 'export', '--stack', stack]);
  succeeded(exported, 'stack export');
  const state = withPlaces(JSON.parse(exported.stdout) as Deployment, plan, ids);
  const words = ['stack', 'import', '--stack', stack];
  succeeded(await engine.ask(words, JSON.stringify(state)), 'stack import');
  const targets = [...ids.keys()].flatMap((urn) => ['--target', urn]);
  const refresh = ['refresh', '--yes', '--skip-preview', ...targets, '--stack', stack];
  succeeded(await engine.ask(refresh), 'refresh');
  return [...ids.values()];
}

function succeeded({ code, stdout, stderr }: Answer, what: string): true {
  if (code === 0) return true;
  // The engine says why on either; a preview in JSON has its diagnostics on the standard error.
  const said = `${stderr}\n${stdout}`.split('\n').map((line) => line.trim());
  const reason =
    said.findLast((line) => /error:|got .*; allowed:/u.test(line)) ?? `exit code ${code}`;
  throw new CommandError(
    `pulumi ${what}: ${reason}; what was restored in AWS stays; fix: mend that, then the same command again`,
  );
}

async function main(): Promise<number> {
  refuseSwallowedFlags('npm run restore --');
  const stack = parseRequest(process.argv.slice(2));
  const engine = await prepareEngine(stack, { lock: true });
  const config = await engine.ask(['config', '--json', '--stack', stack]);
  succeeded(config, 'config');
  const place = placeOf(stack, JSON.parse(config.stdout) as Config);
  await refuseOtherAccount(place);
  const restored = await restoreSecrets(place);
  if (restored.secrets.size === 0) {
    console.log(`Nothing of stack ${stack} is in ${place.region} below ${place.prefix}/.`);
    return 0;
  }
  for (const name of restored.savedSecrets) console.log(`restored ${name}`);
  for (const id of restored.savedKeys) console.log(`restored key ${id}`);
  const adopted = await adopt(engine, restored);
  for (const id of restored.savedKeys.filter((each) => !adopted.includes(each))) {
    // An up between destroy and restore made another key.
    console.log(`key ${id} is not the stack's, which has another; earlier versions need it`);
  }
  const done = restored.savedSecrets.length + restored.savedKeys.length + adopted.length;
  console.log(
    done === 0
      ? `Nothing of stack ${stack} waited for its deletion.`
      : `${adopted.length} of them are the stack's again. Next: npm start -- --stack ${stack}`,
  );
  return 0;
}

function parseRequest(args: readonly string[]): string {
  const usage = 'allowed: npm run restore -- --stack NAME';
  try {
    const options = { stack: { type: 'string', short: 's' } } as const;
    const { values } = parseArgs({ args: [...args], options });
    if (values.stack !== undefined) return values.stack;
  } catch {
    throw new CommandError(`restore: got an unknown option; ${usage}`);
  }
  throw new CommandError(`restore: got no stack; ${usage}`);
}

if (import.meta.main) await runCommand(main);
