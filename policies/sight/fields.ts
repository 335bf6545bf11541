/** Looks into what may lack anything, or is not known yet. */

export type Fields = Readonly<Record<string, unknown>>;

/** Stands for what a preview does not know yet: no rule finds fault with it. */
export const unknown: unique symbol = Symbol('unknown');

export function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @returns undefined where there is nothing, `unknown` where a step of the path is not known */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (found === unknown) return unknown;
    if (found === null || typeof found !== 'object') return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}

/** A list, empty where there is none or it is not known. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Of something that is not known, nothing is. */
const unknownFields: Fields = new Proxy({}, { get: () => unknown });

/** Fields, empty where there are none; all of them unknown where they are. */
export function fieldsAt(value: unknown, ...path: readonly (string | number)[]): Fields {
  const found = at(value, ...path);
  if (found === unknown) return unknownFields;
  return isFields(found) ? found : {};
}

/** Whether a list is known to lack something. */
export function lacks(
  value: unknown,
  wanted: unknown,
  ...path: readonly (string | number)[]
): boolean {
  const found = at(value, ...path);
  if (found === unknown) return false;
  const list = listAt([found], 0);
  return !list.includes(wanted) && !list.includes(unknown);
}

/** Whether something is known to be another one than it should. */
export function differs(value: unknown, ...wanted: readonly unknown[]): boolean {
  return value !== unknown && !wanted.includes(value);
}

/** Whether there is known to be no list, or an empty one. */
export function isEmpty(value: unknown, ...path: readonly (string | number)[]): boolean {
  return at(value, ...path) !== unknown && listAt(value, ...path).length === 0;
}

/** A number or a text of digits. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d+$/u.test(value) ? Number(value) : undefined;
}

/** How a value of few possible ones is shown; anything else is only said to be there. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  return Array.isArray(value) ? `${value.length} entries` : 'something else';
}

/** A leaf of a tree and the way to it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly text: string;
  /** Whether the text is itself the name of a field. */
  readonly isKey: boolean;
}

/** Every text in a value, and every name of a field. */
export function* leavesOf(value: unknown, path: readonly string[] = []): Generator<Leaf> {
  if (typeof value === 'string') yield { path, text: value, isKey: false };
  else if (typeof value === 'number' || typeof value === 'bigint')
    yield { path, text: String(value), isKey: false };
  else if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* leavesOf(each, [...path, String(index)]);
  } else if (isFields(value)) {
    for (const [key, each] of Object.entries(value)) {
      yield { path, text: key, isKey: true };
      yield* leavesOf(each, [...path, key]);
    }
  }
}
