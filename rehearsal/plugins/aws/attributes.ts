/**
 * Attributes of a resource type, as the official provider's schema has them, and what follows
 * from them alone: defaults, mistakes, names, differences and what replaces.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type CheckFailure,
  containsUnknown,
  failure,
  isObject,
  isUnknown,
  type Properties,
  type PropertyDiff,
  secret,
} from '../../../plugins/provider-server.ts';

export interface Attribute {
  /** Whether it can be said by the program. @default - an output only */
  readonly input?: 'required' | 'optional';
  /** Optional and computed: not said, it stays what AWS says. */
  readonly computed?: true;
  /** ForceNew. */
  readonly replaces?: true;
  readonly default?: unknown;
  readonly secret?: true;
  /** When two different values are no difference. */
  readonly same?: (old: unknown, now: unknown) => boolean;
  /** What is wrong with a value that is known. */
  readonly mistake?: (value: unknown) => string | undefined;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/** A name that is made when none is said: from the resource's name and 7 hex digits. */
export interface AutoName {
  readonly longest: number;
  /** Before the name, such as alias/. */
  readonly prefix?: string;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

const isInternal = (name: string): boolean => name.startsWith('__');

/** What is wrong with the inputs. */
export function mistakesIn(attributes: Attributes, news: Properties): CheckFailure[] {
  const inputs = Object.entries(attributes).filter(([, { input }]) => input !== undefined);
  const known = inputs.map(([name]) => name);
  const unexpected = Object.keys(news)
    .filter((name) => !known.includes(name) && !isInternal(name) && name !== 'tagsAll')
    .map((name) => failure(name, `not in the rehearsal plugin; allowed: ${known.join(', ')}`));
  const wrong = inputs.flatMap(([name, { input, mistake }]) => {
    const value = news[name];
    if (value === undefined || value === null) {
      return input === 'required' ? [failure(name, 'got nothing, and it is required')] : [];
    }
    const reason = isUnknown(value) ? undefined : mistake?.(value);
    return reason === undefined ? [] : [failure(name, reason)];
  });
  return [...unexpected, ...wrong];
}

/**
 * Defaults where nothing is said. A name that was made is kept as long as none is said.
 * @returns what to add to the inputs; `__defaults` lists it, as in the official provider's state
 */
export function defaultsFor(
  attributes: Attributes,
  auto: AutoName | undefined,
  {
    urn,
    olds,
    news,
  }: { readonly urn: string; readonly olds: Properties; readonly news: Properties },
): Properties {
  const missing = Object.entries(attributes).filter(
    ([name, attribute]) => attribute.default !== undefined && news[name] === undefined,
  );
  const defaults: Properties = Object.fromEntries(
    missing.map(([name, attribute]) => [name, attribute.default]),
  );
  if (auto !== undefined && news.name === undefined && news.namePrefix === undefined) {
    const made = Array.isArray(olds.__defaults) && olds.__defaults.includes('name');
    defaults.name = made ? olds.name : makeName(urn, auto);
  }
  return { ...defaults, __defaults: Object.keys(defaults) };
}

function makeName(urn: string, { longest, prefix = '' }: AutoName): string {
  const end = `-${randomBytes(4).toString('hex').slice(0, 7)}`;
  const name = urn.split('::').at(-1) ?? '';
  return `${prefix}${name}`.slice(0, longest - end.length) + end;
}

export interface Difference {
  readonly detailed: Record<string, PropertyDiff>;
  readonly replaces: string[];
}

/** What differs between the state and the inputs, by attribute. */
export function differenceOf(
  attributes: Attributes,
  olds: Properties,
  news: Properties,
): Difference {
  const detailed: Record<string, PropertyDiff> = {};
  const replaces: string[] = [];
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.input === undefined && name !== 'tagsAll') continue;
    const change = changeOf(attribute, olds[name], news[name]);
    if (change === undefined) continue;
    const replacing = attribute.replaces === true;
    detailed[name] = { kind: replacing ? `${change}-replace` : change };
    if (replacing) replaces.push(name);
  }
  return { detailed, replaces };
}

function changeOf(
  { computed, same }: Attribute,
  old: unknown,
  now: unknown,
): 'add' | 'delete' | 'update' | undefined {
  if (containsUnknown(now)) return isEmpty(old) ? 'add' : 'update';
  if (now === undefined || now === null) return computed || isEmpty(old) ? undefined : 'delete';
  if (isEmpty(old) && isEmpty(now)) return undefined;
  if (isDeepStrictEqual(old, now) || same?.(old, now)) return undefined;
  return isEmpty(old) ? 'add' : 'update';
}

/** Whether the name was said by the program: then the old one must go before the new one comes. */
export function nameIsSaid(news: Properties): boolean {
  const made = Array.isArray(news.__defaults) && news.__defaults.includes('name');
  return news.name !== undefined && !made;
}

/** Inputs that would make what was found: what is read at an import. */
export function inputsFrom(attributes: Attributes, outs: Properties): Properties {
  const said = Object.entries(attributes).filter(
    ([name, attribute]) =>
      attribute.input !== undefined &&
      !isEmpty(outs[name]) &&
      !isDeepStrictEqual(outs[name], attribute.default),
  );
  return Object.fromEntries([...said.map(([name]) => [name, outs[name]]), ['__defaults', []]]);
}

/** Marks what the schema marks as secret. */
export function markSecrets(attributes: Attributes, properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      attributes[name]?.secret && !isEmpty(value) ? secret(value) : value,
    ]),
  );
}

export const withoutInternals = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !isInternal(name)));

// What may be wrong with a value. None of them repeats it.

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? undefined : 'allowed: text';

export const flag = (value: unknown): string | undefined =>
  typeof value === 'boolean' ? undefined : 'allowed: true or false';

export const json = (value: unknown): string | undefined => {
  try {
    if (typeof value === 'string' && isObject(JSON.parse(value))) return undefined;
  } catch {
    // Said below.
  }
  return 'allowed: a policy in JSON';
};

export const texts = (value: unknown): string | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' || isUnknown(item))
    ? undefined
    : 'allowed: a list of texts';

export const tagMap = (value: unknown): string | undefined =>
  isObject(value) && Object.values(value).every((item) => typeof item === 'string')
    ? undefined
    : 'allowed: a map of texts';

/** A whole number within bounds, or one of some more. */
export function whole(least: number, most: number, ...others: readonly number[]) {
  return (value: unknown): string | undefined =>
    Number.isInteger(value) &&
    ((Number(value) >= least && Number(value) <= most) || others.includes(Number(value)))
      ? undefined
      : `allowed: a whole number from ${least} to ${most}${others.map((other) => ` or ${other}`).join('')}`;
}

export function pattern(expression: RegExp, allowed: string) {
  return (value: unknown): string | undefined =>
    typeof value === 'string' && expression.test(value) ? undefined : `allowed: ${allowed}`;
}

/** Lists whose order says nothing. */
export const sameSet = (old: unknown, now: unknown): boolean =>
  Array.isArray(old) && Array.isArray(now) && isDeepStrictEqual(new Set(old), new Set(now));
