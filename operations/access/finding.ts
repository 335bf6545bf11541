/** Who may read what, as one system answers, and whether the settings expect it. No value is among it. */

/** One way of one reader to secrets. */
export interface Finding {
  /** Such as `Kubernetes` or `AWS`. */
  readonly system: string;
  /** As the settings name somebody: `User:ann`, an ARN, the name of a policy, a path. */
  readonly who: string;
  /** `get`, `create pods`, ... */
  readonly way: string;
  /** Names of the secrets; empty: all of the stack in this system. */
  readonly secrets: readonly string[];
  /** Why it is right; undefined: it is a difference. */
  readonly expected?: string | undefined;
  /** What gives it: a binding with its role, a statement, a mode. */
  readonly cause: string;
  /** What takes it away. */
  readonly fix: string;
}

/** What could not be asked, and what it takes. */
export interface Unasked {
  readonly system: string;
  readonly got: string;
  readonly fix: string;
}

/** What one system said. */
export interface Answers {
  readonly findings: readonly Finding[];
  readonly unasked: readonly Unasked[];
}

export const nothing: Answers = { findings: [], unasked: [] };

export function joined(all: readonly Answers[]): Answers {
  return {
    findings: all.flatMap(({ findings }) => findings),
    unasked: all.flatMap(({ unasked }) => unasked),
  };
}
