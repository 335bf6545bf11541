/** A control of our own program, taken away, and what should notice. */
import type { Edit } from './edits.ts';

export interface Mutant {
  /** The control that is gone. */
  readonly control: string;
  /** Stack that it is taken from, by its name in test/policies/stacks.ts. */
  readonly stack: string;
  readonly type: string;
  /** Of the resource. @default - the only one, or the first */
  readonly name?: string;
  /** What becomes of it: an edit of its inputs, gone, or no longer protected. */
  readonly to: Edit | 'gone' | 'unprotected';
  /** Name of the rule that is to notice. */
  readonly rule: string;
}

/** Mutants of one resource: a control, what becomes of it, and the rule. */
export function ofResource(
  stack: string,
  type: string,
  name: string | undefined,
  ...mutants: readonly (readonly [control: string, to: Mutant['to'], rule: string])[]
): readonly Mutant[] {
  return mutants.map(([control, to, rule]) => ({
    ...{ control, stack, type, to, rule },
    ...(name !== undefined && { name }),
  }));
}
