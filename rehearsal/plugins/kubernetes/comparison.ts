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

/**
 * @param replacedBy paths below which a change replaces the object
 * @returns differences by path, spelt as the engine reads them: `spec.list[0]`, `data["a.b"]`
 */
export function compare(
  old: unknown,
  next: unknown,
  replacedBy: readonly string[],
): Record<string, PropertyDiff> {
  const found: Record<string, PropertyDiff> = {};
  const add = (path: Path, kind: 'add' | 'delete' | 'update', value: unknown) => {
    const replaces = replacedBy.some((each) => touches(each.split('.'), path, value));
    const diff = replaces ? (`${kind}-replace` as const) : kind;
    found[spelt(path)] = kind === 'delete' ? { kind: diff, inputDiff: true } : { kind: diff };
  };
  const visit = (path: Path, before: unknown, after: unknown): void => {
    if (after === undefined) {
      if (before !== undefined) add(path, 'delete', undefined);
    } else if (before === undefined) add(path, 'add', after);
    else if (isUnknown(after)) add(path, 'update', after);
    else if (isObject(before) && isObject(after)) {
      for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
        visit([...path, key], before[key], after[key]);
      }
    } else if (Array.isArray(before) && Array.isArray(after)) {
      for (let at = 0; at < Math.max(before.length, after.length); at++) {
        visit([...path, at], before[at], after[at]);
      }
    } else if (!isDeepStrictEqual(before, after) && !sameQuantity(path, before, after)) {
      add(path, 'update', after);
    }
  };
  visit([], old, next);
  return found;
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
