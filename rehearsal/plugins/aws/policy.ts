/**
 * Whether two policy documents say the same, as the official provider sees it
 * (hashicorp/awspolicyequivalence): order and white space do not count, one string is a list of
 * one, and an account's id is its root. Whatever else differs, differs.
 */
import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

const lists = ['Action', 'NotAction', 'Resource', 'NotResource'];
const principals = ['Principal', 'NotPrincipal'];

/** @returns false, too, when one of them is not JSON or has no statements */
export function policiesAreEquivalent(one: string, other: string): boolean {
  const [a, b] = [parse(one), parse(other)];
  return a !== undefined && b !== undefined && isDeepStrictEqual(a, b);
}

/** The text to keep in the state: the old one while AWS says the same in other words. */
export function policyToKeep(old: unknown, found: string): string {
  return typeof old === 'string' && policiesAreEquivalent(old, found) ? old : normalized(found);
}

/** JSON without white space and with sorted names, as the state holds it. */
export function normalized(policy: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(policy)));
  } catch {
    return policy;
  }
}

function parse(policy: string): unknown {
  try {
    const { Version = '', Id = '', Statement } = JSON.parse(policy) as Json;
    if (typeof Statement !== 'object' || Statement === null) return undefined;
    const statements = (Array.isArray(Statement) ? Statement : [Statement]) as readonly Json[];
    return { Version, Id, statements: statements.map(canonical).sort() };
  } catch {
    return undefined;
  }
}

/** A statement as text that is the same for all that say the same. */
function canonical(statement: Json): string {
  const parts = Object.entries(statement).map(([name, value]) => {
    if (name === 'Effect') return [name, String(value).toLowerCase()];
    if (lists.includes(name)) return [name, asList(value)];
    if (principals.includes(name)) return [name, principal(value)];
    if (name === 'Condition') return [name, condition(value)];
    return [name, value];
  });
  return JSON.stringify(sorted(Object.fromEntries(parts)));
}

function asList(value: unknown): unknown {
  return Array.isArray(value) ? [...value].sort() : [value];
}

function principal(value: unknown): unknown {
  const short = (item: unknown): unknown =>
    /^arn:[\w-]+:iam::(\d{12}):root$/u.exec(String(item))?.[1] ?? item;
  if (typeof value !== 'object' || value === null) return short(value);
  return Object.fromEntries(
    Object.entries(value).map(([kind, who]) => [kind, asList(asArray(who).map(short))]),
  );
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function condition(value: unknown): unknown {
  return Object.fromEntries(
    Object.entries(value as Json).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(keys as Json).map(([key, wanted]) => [
          key,
          [...new Set(asArray(wanted).map(String))].sort(),
        ]),
      ),
    ]),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, sorted(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
