/** A resource as rules see it, whoever shows it: the engine, or a test with Pulumi's mocks. */
import type { Fields } from './sight/fields.ts';
import { unknown } from './sight/fields.ts';

export interface Resource {
  /** `aws:kms/key:Key`. */
  readonly type: string;
  /** In the program. */
  readonly name: string;
  /** In the clear: @pulumi/policy takes the marks off secrets. */
  readonly props: Fields;
  /** Whether it is kept from deletion. */
  readonly protect: boolean;
}

/**
 * A plain copy, in which what a preview does not know yet is `unknown`. @pulumi/policy throws where
 * such a thing is read.
 */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, (_, at) => plainAt(value, at));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).map((key) => [key, plainAt(value, key)]));
}

function plainAt(value: object, key: string | number): unknown {
  let found: unknown;
  try {
    found = (value as Record<string | number, unknown>)[key];
  } catch {
    return unknown;
  }
  return plain(found);
}
