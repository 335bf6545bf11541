/**
 * Config -> one typed object. All validation of user input starts here and happens
 * before any resource; all mistakes of a run are reported together.
 */
import { normalize } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import {
  type CatalogEntry,
  type ExchangeName,
  entryOf,
  exchangeNames,
  type GroupName,
  groupNames,
  keysOf,
  type SecretKey,
  type ServiceName,
  serviceNames,
} from './components/catalog.ts';
import { type TargetName, targetNames } from './components/delivery/targets.ts';
import type { Outside } from './components/outside.ts';
import type { Strategy } from './components/strategy.ts';
import type {
  AwsAccount,
  Cluster,
  Place,
  Sealing,
  SwarmManager,
  VaultServer,
} from './components/systems.ts';
import { checkAdministrators } from './settings/administrators.ts';
import { checkGroups, checkReaders, type GroupManner } from './settings/groups.ts';
import { checkHandOver } from './settings/hand-over.ts';
import { checkEnvironment, checkNames, checkStack, type Environment } from './settings/identity.ts';
import type { Kubeconfig } from './settings/kubeconfig.ts';
import { checkFights, checkList } from './settings/lists.ts';
import { type Mistake, report } from './settings/mistake.ts';
import { checkIgnored } from './settings/output-directory.ts';
import { checkOutside } from './settings/outside.ts';
import type { RawSettings } from './settings/raw.ts';
import { checkGitopsDirectory, checkRecipients } from './settings/recipients.ts';
import { checkRotation, lastRotations } from './settings/rotation.ts';
import {
  checkBoolean,
  checkImage,
  checkPlaceholders,
  checkText,
  directoryRule,
  gitopsRule,
  namespaceRule,
  prefixRule,
} from './settings/scalars.ts';
import { checkSealing } from './settings/sealing.ts';
import { readStackFile, stackFilePath } from './settings/stack-file.ts';
import { checkStrategy } from './settings/strategy.ts';
import {
  checkAws,
  checkCluster,
  checkDigest,
  checkManager,
  checkPlace,
  checkVault,
  endsInNamespace,
  needs,
} from './settings/systems.ts';
import { checkGroup, checkMissing, checkValues } from './settings/values.ts';

/** What one group of a stack needs. */
export interface GroupSettings extends GroupManner {
  readonly name: GroupName;
  /** Keys in use, in the catalog's order. */
  readonly entries: ReadonlyMap<SecretKey, CatalogEntry>;
  /** Values that the config has for them. Secret. */
  readonly values: ReadonlyMap<SecretKey, pulumi.Output<string>>;
  /** Its last rotation, which `npm run rotate` has written down; public. */
  readonly rotation?: string;
}

export interface Settings {
  readonly stack: string;
  readonly environment: Environment;
  readonly targets: readonly TargetName[];
  /** Groups with at least one key in use. */
  readonly groups: readonly GroupSettings[];
  readonly protect: boolean;
  readonly placeholders: boolean;
  readonly image: string;
  /** Undefined: the bot logs in and does not trade. */
  readonly strategy: Strategy | undefined;
  readonly namespace: string;
  readonly prefix: string;
  readonly outputDirectory: string;
  /** Where targets that write for git write. */
  readonly gitopsDirectory: string;
  /** Who can decrypt what they write; none when no target encrypts. */
  readonly recipients: readonly string[];
  /** Undefined when no target seals. */
  readonly sealing: Sealing | undefined;
  /** Whether what is written for git lets go of its Secrets, which another target takes over. */
  readonly handOver: boolean;
  readonly exchanges: readonly ExchangeName[];
  readonly services: readonly ServiceName[];
  /** Undefined when the bot is not restarted for what somebody else changes. */
  readonly outside: Outside | undefined;
  /** Undefined when no target needs it. */
  readonly aws: AwsAccount | undefined;
  /** Undefined when no target ends in a namespace. */
  readonly place: Place | undefined;
  /** Undefined when no target needs it. */
  readonly vault: VaultServer | undefined;
  /** Undefined when no target needs it. */
  readonly cluster: Cluster | undefined;
  /** Undefined when no target needs it. */
  readonly manager: SwarmManager | undefined;
}

type Checked = { readonly settings: Settings } | { readonly mistakes: readonly Mistake[] };

/**
 * Reads and validates the config of the running stack.
 * @throws pulumi.RunError with one line a mistake
 */
export async function readSettings(): Promise<Settings> {
  const config = new pulumi.Config();
  const stack = pulumi.getStack();
  const values = await readConfig(config);
  const checked = validate({
    stack,
    config: values,
    ...(needs(values, 'cluster') && { kubeconfig: await kubeconfig() }),
    stackFile: await readStackFile(stackFilePath(stack), config.name),
    projectDirectory: import.meta.dirname,
  });
  if ('mistakes' in checked) throw new pulumi.RunError(report(stack, checked.mistakes));
  return checked.settings;
}

/** Loaded with its reader only by stacks with a cluster: `npm run bench` counts milliseconds. */
async function kubeconfig(): Promise<Kubeconfig> {
  const { readKubeconfig } = await import('./settings/kubeconfig.ts');
  return await readKubeconfig();
}

/** The one place where encrypted config is opened. What leaves this module is secret again. */
async function readConfig(config: pulumi.Config): Promise<Record<string, unknown>> {
  const names = Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(`${config.name}:`))
    .map((key) => key.slice(config.name.length + 1));
  const read = async (name: string): Promise<unknown> => {
    const text = config.getSecret(name);
    return await new Promise((settle) => text?.apply((plain) => settle(parsed(plain))));
  };
  const entries = names.map(async (name) => [name, await read(name)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Config crosses from the engine as text: JSON for what is structured, plain for the rest. */
function parsed(text: string): unknown {
  if (!/^(?:[[{]|true$|false$)/u.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Checks everything and settles what is used. Pure but for the question to git. */
export function validate(raw: RawSettings): Checked {
  const mistakes: Mistake[] = [];
  const found = (mistake: Mistake): void => void mistakes.push(mistake);

  checkNames(raw, found);
  const stack = checkStack(raw, found);
  const environment = checkEnvironment(raw, found);
  const chosenTargets = checkList(raw, 'targets', targetNames, found);
  const chosen = {
    exchanges: checkList(raw, 'exchanges', exchangeNames, found),
    services: checkList(raw, 'services', serviceNames, found),
  };
  const protect = checkBoolean(raw, 'protect', true, found);
  const placeholders = checkBoolean(raw, 'placeholders', false, found);
  const image = checkImage(raw, found);
  const namespace = checkText(raw, 'namespace', namespaceRule, found);
  const prefix = checkText(raw, 'prefix', prefixRule, found);
  const outputDirectory = checkText(raw, 'outputDirectory', directoryRule, found);
  const gitopsDirectory = checkText(raw, 'gitopsDirectory', gitopsRule, found);
  checkGitopsDirectory(raw, gitopsDirectory, outputDirectory, found);
  const recipients = checkRecipients(raw, chosenTargets, gitopsDirectory, found);
  const sealing = checkSealing(raw, chosenTargets, found);
  const handOver = checkHandOver(raw, chosenTargets, gitopsDirectory, found);
  checkFights(raw, chosenTargets, found);
  checkPlaceholders(raw, protect, placeholders, found);
  const readers = checkReaders(raw, found);
  checkAdministrators(raw, found);
  const aws = checkAws(raw, chosenTargets, namespace, found);
  const vault = checkVault(raw, chosenTargets, { namespace, prefix }, found);
  const place = checkPlace(raw, chosenTargets, { namespace, readers, protect }, found);
  const cluster = checkCluster(raw, chosenTargets, place, found);
  const manager = checkManager(raw, chosenTargets, namespace, found);
  checkDigest(raw, image, (place ?? manager) !== undefined && protect, found);
  const elsewhere = chosenTargets.filter((name) => !endsInNamespace([name]));
  const manners = checkGroups(raw, elsewhere, found);
  const outside = checkOutside(raw, manners, found);
  const none: ReadonlyMap<SecretKey, string> = new Map();
  const plain: string[] = [];
  const last = lastRotations(raw.config.rotation);
  const groups = groupNames.map((name) => {
    const rotation = last[name];
    const manner = manners[name];
    const stacks = manner.source === 'stack';
    const values = stacks ? checkValues(raw, name, chosenTargets, found) : none;
    const entries = new Map(
      keysOf(name)
        .filter((key) => isUsed(entryOf(key), chosen))
        .map((key) => [key, entryOf(key)] as const),
    );
    plain.push(...values.values());
    checkGroup(raw, name, entries, values, chosenTargets, found);
    if (!placeholders && stacks) checkMissing(raw, name, entries, values, found);
    const used = [...values].filter(([key]) => entries.has(key));
    const secrets = new Map(used.map(([key, v]) => [key, pulumi.secret(v)]));
    return { name, ...manner, entries, values: secrets, ...(rotation && { rotation }) };
  });
  const strategy = checkStrategy(raw, plain, found);
  checkRotation(raw, found);
  const used = new Map(groups.flatMap(({ entries }) => [...entries]));
  checkIgnored(raw, chosenTargets, outputDirectory, used, found);

  if (mistakes.length > 0) return { mistakes };
  return {
    settings: {
      stack,
      environment,
      targets: chosenTargets,
      groups: groups.filter(({ entries }) => entries.size > 0),
      protect,
      placeholders,
      image,
      strategy,
      namespace,
      prefix,
      outputDirectory: oneSpelling(outputDirectory),
      gitopsDirectory: oneSpelling(gitopsDirectory),
      recipients,
      sealing,
      handOver,
      ...chosen,
      outside,
      aws,
      place,
      vault,
      cluster,
      manager,
    },
  };
}

/** Of a place: another spelling would look like a move. */
function oneSpelling(directory: string): string {
  return normalize(directory).replace(/(?<=.)\/+$/u, '');
}

function isUsed(
  entry: CatalogEntry,
  chosen: {
    readonly exchanges: readonly ExchangeName[];
    readonly services: readonly ServiceName[];
  },
): boolean {
  const listed: readonly string[] = [...chosen.exchanges, ...chosen.services];
  return listed.includes(entry.usedWith);
}
