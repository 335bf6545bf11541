/**
 * How the values of a stack are: set, by whom, and in what form. Values are looked at here and
 * leave only for whoever compares them with what was delivered.
 */
import { entryOf, type GroupName, type SecretKey, secretKeys } from '../../components/catalog.ts';
import { isExample, placeholderOf } from '../../components/shape.ts';
import { type Mistake, setSecretCommand } from '../../settings/mistake.ts';
import {
  type Finding,
  isOfBot,
  type KeyFacts,
  pathOf,
  problem,
  type SetState,
  warning,
} from './facts.ts';

type Settings = Readonly<Record<string, unknown>>;

export interface Judged {
  /** Keys in use, in the catalog's order. */
  readonly keys: readonly KeyFacts[];
  readonly findings: readonly Finding[];
  /** What should have been delivered, where it is known. Secret. */
  readonly expected: ReadonlyMap<SecretKey, string>;
}

/** @param mistakes of the settings, as `npm start` would name them */
export function judge(stack: string, settings: Settings, mistakes: readonly Mistake[]): Judged {
  const keys: KeyFacts[] = [];
  const expected = new Map<SecretKey, string>();
  const own = new Map<SecretKey, string>();
  const used = [...listed(settings.exchanges), ...listed(settings.services)];
  for (const key of secretKeys.filter((each) => used.includes(entryOf(each).usedWith))) {
    const entry = entryOf(key);
    const value = textOf(settings, entry.group, key);
    const mistake = mistakes.find(({ what }) => what === `${entry.group}.${key}`);
    const set = stateOf(key, settings, value, mistake);
    keys.push({ key, entry, set });
    if (set === 'own value' && value !== undefined) own.set(key, value);
    if (set === 'placeholder') expected.set(key, value ?? placeholderOf(entry.shape, key));
  }
  return {
    keys,
    expected: new Map([...expected, ...own]),
    findings: [
      ...mistakes.map((mistake): Finding => ({ level: 'problem', ...mistake })),
      ...placeholders(stack, keys),
      ...unusual(stack, own),
      ...twice(stack, own),
    ],
  };
}

function stateOf(
  key: SecretKey,
  settings: Settings,
  value: string | undefined,
  mistake: Mistake | undefined,
): SetState {
  const { group, shape, source, optional } = entryOf(key);
  if (isExternal(settings, group)) return 'external';
  if (value === undefined && mistake?.got === 'nothing') return 'missing';
  if (mistake !== undefined)
    return mistake.got.startsWith('plaintext') ? 'in the clear' : 'malformed';
  if (value !== undefined) {
    const worthless = value === placeholderOf(shape, key) || isExample(value);
    return worthless ? 'placeholder' : 'own value';
  }
  if (source === 'generated') return 'generated';
  if (settings.placeholders === true) return 'placeholder';
  return optional ? 'left out' : 'missing';
}

/** Of what the bot reads a problem each; of the others a warning a group: they stop no trade. */
function placeholders(stack: string, keys: readonly KeyFacts[]): readonly Finding[] {
  const found = keys.filter(({ set }) => set === 'placeholder');
  const others = new Map<GroupName, SecretKey[]>();
  for (const { key, entry } of found.filter((each) => !isOfBot(each))) {
    others.set(entry.group, [...(others.get(entry.group) ?? []), key]);
  }
  return [
    ...found.filter(isOfBot).map((each) => {
      const path = pathOf(each);
      const fix = setSecretCommand(stack, path);
      return problem(path, 'a placeholder', 'a value of your own', fix);
    }),
    ...[...others].map(([group, names]) => {
      const got = `a placeholder of ${names.join(', ')}, which the bot does not read`;
      const fix = setSecretCommand(stack, `${group}.${names.length === 1 ? names[0] : 'KEY'}`);
      return warning(group, got, 'values of your own, for whoever uses them', fix);
    }),
  ];
}

function unusual(stack: string, own: ReadonlyMap<SecretKey, string>): readonly Finding[] {
  return [...own].flatMap(([key, value]) => {
    const { group, usual } = entryOf(key);
    if (usual === undefined || usual.pattern.test(value)) return [];
    const path = `${group}.${key}`;
    const got = `another form than the usual one (${value.length} characters)`;
    return [warning(path, got, `usually ${usual.is}`, setSecretCommand(stack, path))];
  });
}

/** As when a key is pasted in the place of its secret half too. */
function twice(stack: string, own: ReadonlyMap<SecretKey, string>): readonly Finding[] {
  const first = new Map<string, string>();
  return [...own].flatMap(([key, value]) => {
    const { group, consumers } = entryOf(key);
    if (!consumers.includes('hummingbot')) return [];
    const path = `${group}.${key}`;
    const before = first.get(value);
    first.set(value, before ?? path);
    if (before === undefined) return [];
    const fix = setSecretCommand(stack, path);
    return [warning(path, `the same value as ${before}`, 'usually two different ones', fix)];
  });
}

function textOf(settings: Settings, group: GroupName, key: string): string | undefined {
  const map = settings[group];
  if (typeof map !== 'object' || map === null || !Object.hasOwn(map, key)) return undefined;
  const value: unknown = (map as Settings)[key];
  // What is neither is a mistake of the settings.
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Whether somebody else writes a group. */
export function isExternal(settings: Settings, group: GroupName): boolean {
  const manner = (settings.groups as Readonly<Record<string, Settings>> | undefined)?.[group];
  return manner?.source === 'external';
}

/** The texts of a list; a setting that is none is a mistake that was found already. */
export function listed(setting: unknown): readonly string[] {
  return Array.isArray(setting) ? setting.map(String) : [];
}
