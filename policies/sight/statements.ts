/** Statements of an IAM, key or resource policy. */
import { type Fields, isFields, unknown } from './fields.ts';

export interface Statement {
  readonly allows: boolean;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** `*`, ARNs, or service and federation, as they stand. */
  readonly principals: readonly string[];
  /** `<operator> <key>` with its values. */
  readonly conditions: readonly (readonly [
    operator: string,
    key: string,
    values: readonly string[],
  ])[];
}

/** @returns undefined for what is no policy; none where it is not known yet */
export function statementsOf(document: unknown): readonly Statement[] | undefined {
  if (document === unknown) return [];
  let parsed: unknown;
  try {
    parsed = typeof document === 'string' ? JSON.parse(document) : document;
  } catch {
    return undefined;
  }
  if (!isFields(parsed)) return undefined;
  return textsOrFields(parsed.Statement).filter(isFields).map(statementOf);
}

function statementOf(fields: Fields): Statement {
  const condition = isFields(fields.Condition) ? fields.Condition : {};
  return {
    allows: fields.Effect !== 'Deny',
    // What a statement leaves out, it means all of.
    actions: fields.NotAction === undefined ? textsOf(fields.Action) : ['*'],
    resources: fields.NotResource === undefined ? textsOf(fields.Resource) : ['*'],
    principals: fields.NotPrincipal === undefined ? principalsOf(fields.Principal) : ['*'],
    conditions: Object.entries(condition).flatMap(([operator, keys]) =>
      Object.entries(isFields(keys) ? keys : {}).map(
        ([key, values]) => [operator, key, textsOf(values)] as const,
      ),
    ),
  };
}

function principalsOf(principal: unknown): readonly string[] {
  return isFields(principal) ? Object.values(principal).flatMap(textsOf) : textsOf(principal);
}

function textsOrFields(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function textsOf(value: unknown): readonly string[] {
  return textsOrFields(value).filter((each) => typeof each === 'string');
}
