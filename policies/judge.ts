/** Asks all rules about resources, as the engine does: one by one, and then all of them. */
import type { Context } from './context.ts';
import type { Resource } from './resource.ts';
import { messageOf, type Rule } from './rule.ts';
import { rules } from './rules.ts';
import { valuesOf } from './values.ts';

export interface Violation {
  readonly rule: Rule;
  /** Undefined: the stack as a whole. */
  readonly resource: Resource | undefined;
  readonly message: string;
}

/** What is wrong with a resource, which is seen for the first time. */
export function judgeResource(
  resource: Resource,
  context: Context,
  asked: readonly Rule[] = rules,
): readonly Violation[] {
  context.values.add(valuesOf(resource));
  return asked.flatMap((rule) =>
    [...(rule.judge?.(resource, context) ?? [])].map((finding) => ({
      rule,
      resource,
      message: messageOf(rule, finding),
    })),
  );
}

/** What is wrong with a stack as a whole. */
export function judgeStack(
  resources: readonly Resource[],
  context: Context,
  asked: readonly Rule[] = rules,
): readonly Violation[] {
  for (const resource of resources) context.values.add(valuesOf(resource));
  return asked.flatMap((rule) =>
    [...(rule.judgeStack?.(resources, context) ?? [])].map((finding) => ({
      rule,
      resource: finding.resource,
      message: messageOf(rule, finding),
    })),
  );
}
