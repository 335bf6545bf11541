/**
 * How new inputs differ from the live object as far as the program describes it, and which
 * differences replace it (`pruneLiveState`, `inputPatch` and `convertPatchToDiff` of
 * provider/pkg/provider/provider.go). Only paths come out, never values.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PropertyDiff } from '../../../plugins/provider-server.ts';
import { isObject, isUnknown } from '../../../plugins/provider-server.ts';
import { sameQuantity } from './quantity.ts';

type Path = readonly (string | number)[];

/** Keeps of a live value what the shape has too. */
export function prune(live: unknown, shape: unknown): unknown {
  if (isObject(live) && isObject(shape)) {
    const entries = Object.entries(live).filter(([key]) => key in shape);
    return Object.fromEntries(entries.map(([key, value]) => [key, prune(value, shape[key])]));
  }
  if (Array.isArray(live) && Array.isArray(shape)) {
    return live.slice(0, shape.length).map((value, at) => prune(value, shape[at]));
  }
  return live;
}

/** Puts back the empty values that were asked for and that a server leaves out. */
export function withEmpty(found: unknown, asked: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(asked)) {
    return found.map((value, at) => withEmpty(value, asked[at]));
  }
  if (!isObject(found) || !isObject(asked)) return found;
  const missing = Object.entries(asked).filter(([key, value]) => !(key in found) && isEmpty(value));
  const kept = Object.entries(found).map(([key, value]) => [key, withEmpty(value, asked[key])]);
  return Object.fromEntries([...kept, ...missing]);
}

/**
 * @param replacedBy paths below which a change replaces the object
 * @param asked the old inputs: an empty value that was asked for then and is not there is one
 *   that the server leaves out (the official provider's inputs go through Go's types for this)
 * @returns differences by path, spelt as the engine reads them: `spec.list[0]`, `data["a.b"]`
 */
export function compare(
  old: unknown,
  next: unknown,
  replacedBy: readonly string[],
  asked?: unknown,
): Record<string, PropertyDiff> {
  const found: Record<string, PropertyDiff> = {};
  const add = (path: Path, kind: 'add' | 'delete' | 'update', value: unknown) => {
    const replaces = replacedBy.some((each) => touches(each.split('.'), path, value));
    const diff = replaces ? (`${kind}-replace` as const) : kind;
    found[spelt(path)] = kind === 'delete' ? { kind: diff, inputDiff: true } : { kind: diff };
  };
  const visit = (path: Path, before: unknown, after: unknown, then: unknown): void => {
    if (after === undefined) {
      if (before !== undefined) add(path, 'delete', undefined);
    } else if (before === undefined) {
      if (!(isEmpty(after) && isDeepStrictEqual(then, after))) add(path, 'add', after);
    } else if (isUnknown(after)) add(path, 'update', after);
    else if (isObject(before) && isObject(after)) {
      for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
        visit([...path, key], before[key], after[key], isObject(then) ? then[key] : undefined);
      }
    } else if (Array.isArray(before) && Array.isArray(after)) {
      for (let at = 0; at < Math.max(before.length, after.length); at++) {
        visit([...path, at], before[at], after[at], Array.isArray(then) ? then[at] : undefined);
      }
    } else if (!isDeepStrictEqual(before, after) && !sameQuantity(path, before, after)) {
      add(path, 'update', after);
    }
  };
  visit([], old, next, asked);
  return found;
}

/** What Go leaves out of its JSON. */
function isEmpty(value: unknown): boolean {
  if (isObject(value)) return Object.keys(value).length === 0;
  return Array.isArray(value) ? value.length === 0 : value === '' || value === 0 || value === false;
}

/** Whether a change at `path` is one of what `pattern` names, above or below it. */
function touches(pattern: readonly string[], path: Path, value: unknown): boolean {
  const names = path.filter((part) => typeof part === 'string');
  const common = Math.min(pattern.length, names.length);
  if (pattern.slice(0, common).some((part, at) => part !== names[at])) return false;
  let inside: unknown = value;
  for (const part of pattern.slice(common)) inside = isObject(inside) ? inside[part] : undefined;
  return pattern.length <= names.length || inside !== undefined;
}

function spelt(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (/[."[\]]/u.test(part)) return `${text}["${part.replaceAll('"', '\\"')}"]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}
