/**
 * Config -> one typed object. All validation of user input is here and happens before any
 * resource; all mistakes of a run are reported together.
 */
import { isAbsolute, join, resolve } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import {
  type CatalogEntry,
  type ExchangeName,
  entryOf,
  exchangeNames,
  type GroupName,
  groupNames,
  isSecretKey,
  keysOf,
  type SecretKey,
  type ServiceName,
  serviceNames,
} from './components/catalog.ts';
import { type TargetName, targetNames, targets } from './components/delivery/targets.ts';
import { refusalOf } from './components/shape.ts';
import { notIgnored } from './settings/git.ts';
import {
  type Mistake,
  nearest,
  pulumiCommand,
  removeCommand,
  report,
  setSecretCommand,
  shown,
  shownName,
} from './settings/mistake.ts';
import { readStackFile, type StackFile, stackFilePath } from './settings/stack-file.ts';

export const environments = ['dev', 'staging', 'prod'] as const;
export type Environment = (typeof environments)[number];

/** What one group of a stack needs. */
export interface GroupSettings {
  readonly name: GroupName;
  /** Keys in use, in the catalog's order. */
  readonly entries: ReadonlyMap<SecretKey, CatalogEntry>;
  /** Values that the config has for them. Secret. */
  readonly values: ReadonlyMap<SecretKey, pulumi.Output<string>>;
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
  readonly namespace: string;
  readonly prefix: string;
  readonly outputDirectory: string;
}

/** Config before validation: what a user can get wrong. */
export interface RawSettings {
  readonly stack: string;
  /** Settings by name, as JSON values. Value maps hold plaintext: nothing of them is printed. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Undefined when config does not come from a file. */
  readonly stackFile: StackFile | undefined;
  /** Directory that relative output directories start from. */
  readonly projectDirectory: string;
}

type Checked = { readonly settings: Settings } | { readonly mistakes: readonly Mistake[] };

/**
 * Reads and validates the config of the running stack.
 * @throws pulumi.RunError with one line a mistake
 */
export async function readSettings(): Promise<Settings> {
  const config = new pulumi.Config();
  const stack = pulumi.getStack();
  const checked = validate({
    stack,
    config: await readConfig(config),
    stackFile: await readStackFile(stackFilePath(stack), config.name),
    projectDirectory: import.meta.dirname,
  });
  if ('mistakes' in checked) throw new pulumi.RunError(report(stack, checked.mistakes));
  return checked.settings;
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
  const image = checkText(raw, 'image', imageRule, found);
  const namespace = checkText(raw, 'namespace', namespaceRule, found);
  const prefix = checkText(raw, 'prefix', prefixRule, found);
  const outputDirectory = checkText(raw, 'outputDirectory', directoryRule, found);
  checkFights(raw, chosenTargets, found);
  checkPlaceholders(raw, protect, placeholders, found);
  checkIgnored(raw, chosenTargets, outputDirectory, found);
  const groups = groupNames.map((name) => {
    const values = checkValues(raw, name, chosenTargets, found);
    const entries = new Map(
      keysOf(name)
        .filter((key) => isUsed(entryOf(key), chosen))
        .map((key) => [key, entryOf(key)] as const),
    );
    if (!placeholders) checkMissing(raw, name, entries, values, found);
    const used = [...values].filter(([key]) => entries.has(key));
    return { name, entries, values: new Map(used.map(([key, v]) => [key, pulumi.secret(v)])) };
  });

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
      namespace,
      prefix,
      outputDirectory,
    },
  };
}

type Found = (mistake: Mistake) => void;

const scalarNames = [
  'environment',
  'protect',
  'placeholders',
  'image',
  'namespace',
  'prefix',
  'outputDirectory',
] as const;
const listNames = ['targets', 'exchanges', 'services'] as const;
const settingNames: readonly string[] = [...scalarNames, ...listNames, ...groupNames];

function checkNames({ config, stack }: RawSettings, found: Found): void {
  for (const name of Object.keys(config).filter((each) => !settingNames.includes(each))) {
    const near = nearest(name, settingNames);
    found({
      what: shownName(name),
      got: 'a setting that does not exist',
      allowed: near === undefined ? settingNames.join(', ') : near,
      fix: removeCommand(stack, name),
    });
  }
}

function checkStack({ stack }: RawSettings, found: Found): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,39}$/u.test(stack)) {
    found({
      what: 'stack',
      got: shown(stack),
      allowed:
        'small letters, digits, - and _, at most 40; it names a folder and a Compose project',
      fix: 'npm run pulumi -- stack rename NAME',
    });
  }
  return stack;
}

function checkEnvironment({ config, stack }: RawSettings, found: Found): Environment {
  const value = config.environment;
  const own = environments.find((each) => each === stack);
  const allowed = own === undefined ? environments : [own];
  const match = allowed.find((each) => each === value);
  if (match !== undefined) return match;
  found({
    what: 'environment',
    got: typeof value === 'string' && value !== '' ? shown(value) : 'nothing',
    allowed: own === undefined ? environments.join(', ') : `${own}, as the stack is named`,
    fix: pulumiCommand(stack, 'config', 'set', 'environment', allowed[0] ?? 'dev'),
  });
  return 'prod';
}

function checkList<Name extends string>(
  { config, stack }: RawSettings,
  setting: (typeof listNames)[number],
  names: readonly Name[],
  found: Found,
): readonly Name[] {
  const value = config[setting] ?? [];
  if (!Array.isArray(value)) {
    found({
      what: setting,
      got: 'something that is not a list',
      allowed: `a list of ${names.join(', ')}`,
      fix: pulumiCommand(stack, 'config', 'set', `--path '${setting}[0]'`, names[0] ?? ''),
    });
    return [];
  }
  const chosen: Name[] = [];
  for (const [index, item] of value.entries()) {
    const path = `${setting}[${index}]`;
    const name = names.find((each) => each === item);
    const remove = pulumiCommand(stack, 'config', 'rm', `--path '${path}'`);
    if (name === undefined) {
      const near = typeof item === 'string' ? nearest(item, names) : undefined;
      const set = pulumiCommand(stack, 'config', 'set', `--path '${path}'`, near ?? '');
      found({
        what: path,
        got: typeof item === 'string' ? shown(item) : `a ${typeof item}`,
        allowed: names.join(', '),
        fix: near === undefined ? remove : set,
      });
    } else if (chosen.includes(name)) {
      found({ what: path, got: `${name} a second time`, allowed: 'each once', fix: remove });
    } else {
      chosen.push(name);
    }
  }
  if (setting === 'targets' && value.length === 0) {
    found({
      what: setting,
      got: 'an empty list',
      allowed: `at least one of ${names.join(', ')}`,
      fix: pulumiCommand(stack, 'config', 'set', `--path '${setting}[0]'`, names[0] ?? ''),
    });
  }
  return chosen;
}

function checkBoolean(
  { config, stack }: RawSettings,
  setting: 'protect' | 'placeholders',
  fallback: boolean,
  found: Found,
): boolean {
  const value = config[setting] ?? fallback;
  if (typeof value === 'boolean') return value;
  found({
    what: setting,
    got: `a ${typeof value}`,
    allowed: 'true, false',
    fix: pulumiCommand(stack, 'config', 'set', setting, `${fallback}`, '--type bool'),
  });
  return fallback;
}

interface TextRule {
  readonly fallback: string;
  readonly pattern: RegExp;
  readonly allowed: string;
}

const imageRule: TextRule = {
  fallback: 'hummingbot/hummingbot:version-2.16.0',
  pattern:
    /^[a-z0-9][a-z0-9._/:-]*?(?::(?!latest(?:@|$))[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/u,
  allowed: 'NAME:TAG with a tag other than latest, or NAME@sha256:DIGEST',
};
const namespaceRule: TextRule = {
  fallback: 'hummingbot',
  pattern: /^[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?$/u,
  allowed: 'small letters, digits and -, at most 22 (a DNS label)',
};
const prefixRule: TextRule = {
  fallback: 'hummingbot',
  pattern: /^[A-Za-z0-9_+=.@-]+(?:\/[A-Za-z0-9_+=.@-]+)*$/u,
  allowed: 'letters, digits and _+=.@-, parts divided by /',
};
const directoryRule: TextRule = {
  fallback: 'out',
  pattern: /^(?!\.{1,2}$)(?!\.\.?\/)[^\0\n\r:$]+$/u,
  allowed: 'a directory below the project, or an absolute path; without : and $',
};

function checkText(
  { config, stack }: RawSettings,
  setting: 'image' | 'namespace' | 'prefix' | 'outputDirectory',
  rule: TextRule,
  found: Found,
): string {
  const value = config[setting] ?? rule.fallback;
  const fine = typeof value === 'string' && rule.pattern.test(value);
  if (fine && (setting !== 'image' || isPinned(value))) return value;
  found({
    what: setting,
    got: typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: rule.allowed,
    fix: pulumiCommand(stack, 'config', 'set', setting, rule.fallback),
  });
  return rule.fallback;
}

/** Whether an image has a digest, or a tag in its last part (a port is not a tag). */
function isPinned(image: string): boolean {
  const last = image.split('/').at(-1) ?? '';
  return image.includes('@sha256:') || (/:[^@]+$/u.test(last) && !last.endsWith(':latest'));
}

function checkFights(raw: RawSettings, chosen: readonly TargetName[], found: Found): void {
  const owners = new Map<string, TargetName>();
  for (const name of chosen) {
    for (const claim of targets[name].claims) {
      const owner = owners.get(claim);
      if (owner !== undefined) {
        found({
          what: 'targets',
          got: `${owner} and ${name}, which both own ${claim}`,
          allowed: 'one of them',
          fix: pulumiCommand(
            raw.stack,
            'config',
            'rm',
            `--path 'targets[${chosen.indexOf(name)}]'`,
          ),
        });
      }
      owners.set(claim, name);
    }
  }
}

function checkPlaceholders(
  { stack }: RawSettings,
  protect: boolean,
  placeholders: boolean,
  found: Found,
): void {
  if (!protect || !placeholders) return;
  found({
    what: 'placeholders',
    got: 'true in a protected stack',
    allowed: 'false, with every value set; or protect false',
    fix: pulumiCommand(stack, 'config', 'set', 'placeholders', 'false', '--type bool'),
  });
}

function checkIgnored(
  { projectDirectory, stack }: RawSettings,
  chosen: readonly TargetName[],
  outputDirectory: string,
  found: Found,
): void {
  const root = isAbsolute(outputDirectory)
    ? outputDirectory
    : resolve(projectDirectory, outputDirectory);
  const paths = chosen.flatMap((name) =>
    targets[name].valuePaths.map((path) => join(root, stack, path)),
  );
  const answer = notIgnored(paths);
  if ('reason' in answer) {
    found({
      what: 'outputDirectory',
      got: `a git work tree, and ${answer.reason}`,
      allowed: 'a directory of which git can say that it is ignored',
      fix: 'install git, or choose a directory outside of the work tree',
    });
  } else if (answer.paths.length > 0) {
    found({
      what: 'outputDirectory',
      got: `${shown(outputDirectory)}, where git would not ignore ${answer.paths.length} of the files that hold values`,
      allowed: 'a directory that git ignores',
      fix: `add it to .gitignore, or ${pulumiCommand(stack, 'config', 'set', 'outputDirectory', directoryRule.fallback)}`,
    });
  }
}

function checkValues(
  raw: RawSettings,
  group: GroupName,
  chosen: readonly TargetName[],
  found: Found,
): ReadonlyMap<SecretKey, string> {
  const { config, stack, stackFile } = raw;
  const map = config[group] ?? {};
  const values = new Map<SecretKey, string>();
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    found({
      what: group,
      got: 'something that is not a map of values',
      allowed: 'one secret a key',
      fix: `${pulumiCommand(stack, 'config', 'rm', group)}, then ${setSecretCommand(stack, `${group}.KEY`)}`,
    });
    return values;
  }
  const plaintext = stackFile?.plaintextLeaves(group) ?? [];
  for (const [key, value] of Object.entries(map)) {
    const what = `${group}.${key}`;
    if (!isSecretKey(key) || entryOf(key).group !== group) {
      found(unknownKey(stack, group, key));
      continue;
    }
    const set = setSecretCommand(stack, what);
    if (plaintext.includes(key)) {
      const got = `plaintext in ${stackFile?.path}`;
      found({ what, got, allowed: 'a secret', fix: `${set}; if it was ever committed, revoke it` });
    } else if (!stackFile?.has(group, key) && !stackFile?.importsEnvironment) {
      const got = `a value that is not in ${stackFile?.path ?? `Pulumi.${stack}.yaml`}, so it cannot be told whether it is encrypted`;
      const fix = 'name the stack file by PULUMI_OPTION_CONFIG_FILE instead of --config-file';
      found({ what, got, allowed: 'a value in the stack file', fix });
    } else if (typeof value !== 'string' && typeof value !== 'number') {
      const got = value === null ? 'an empty value' : `a ${typeof value}`;
      found({ what, got, allowed: 'text', fix: set });
    } else {
      const text = String(value);
      const refused = refusal(key, text, chosen);
      if (refused === undefined) values.set(key, text);
      else found({ what, ...refused, fix: set });
    }
  }
  return values;
}

function refusal(
  key: SecretKey,
  value: string,
  chosen: readonly TargetName[],
): Pick<Mistake, 'got' | 'allowed'> | undefined {
  const refused = refusalOf(entryOf(key).shape, value);
  if (refused !== undefined) return refused;
  for (const name of chosen) {
    const reason = targets[name].refuses(value);
    if (reason !== undefined) return { got: reason, allowed: `what target ${name} can carry` };
  }
  return undefined;
}

function unknownKey(stack: string, group: GroupName, key: string): Mistake {
  const what = `${group}.${shownName(key)}`;
  const fix = removeCommand(stack, key, group);
  if (isSecretKey(key)) {
    const right = entryOf(key).group;
    return { what, got: 'a key of another group', allowed: `${right}.${key}`, fix };
  }
  const keys = keysOf(group);
  const near = nearest(key, keys);
  return { what, got: 'an unknown key', allowed: near ?? keys.join(', '), fix };
}

function checkMissing(
  { config, stack }: RawSettings,
  group: GroupName,
  entries: ReadonlyMap<SecretKey, CatalogEntry>,
  values: ReadonlyMap<SecretKey, string>,
  found: Found,
): void {
  const map = config[group];
  const set = typeof map === 'object' && map !== null ? Object.keys(map) : [];
  for (const [key, entry] of entries) {
    // A value that was refused above is not missing.
    if (entry.optional || entry.source === 'generated' || values.has(key) || set.includes(key)) {
      continue;
    }
    const what = `${group}.${key}`;
    const allowed = `a value, because ${entry.usedWith} is listed`;
    found({ what, got: 'nothing', allowed, fix: setSecretCommand(stack, what) });
  }
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
