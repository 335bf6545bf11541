/** What a rule is: a name, a reason, and what it finds. No finding ever holds a value. */
import type { Context } from './context.ts';
import type { Resource } from './resource.ts';

export type Severity = 'critical' | 'high' | 'medium' | 'low';

/** One place that breaks a rule, in words of ours alone: no name, key or text of the resource. */
export interface Finding {
  /** `Deployment, container 1 of 2`. */
  readonly at: string;
  /** What is wrong there: `hostNetwork true`. */
  readonly got: string;
}

/** Of a rule that looks at a whole stack. */
export interface StackFinding extends Finding {
  /** @default - the stack itself */
  readonly resource?: Resource | undefined;
}

export interface Rule {
  /** Also in Pulumi's output: small letters and hyphens. */
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly what: string;
  /** What goes wrong without it. */
  readonly why: string;
  /** The guide's best practice that it serves. */
  readonly practice: Practice;
  readonly severity: Severity;
  /** What would have been right. */
  readonly allowed: string;
  /** What to do. */
  readonly fix: string;
  /** Judges one resource, before it is made. */
  readonly judge?: (resource: Resource, context: Context) => Iterable<Finding>;
  /** Judges all of them, when the program has ended. */
  readonly judgeStack?: (
    resources: readonly Resource[],
    context: Context,
  ) => Iterable<StackFinding>;
}

/** Those of the guide's chapter "Best Practices" that a policy can see. */
export const practices = {
  privilege: 'Principle of least privilege for API keys',
  environments: 'Separate secrets per environment (dev, staging, prod)',
  logs: 'Do not log secrets; scrub sensitive data from logs',
  gitops: 'Prefer SealedSecrets or SOPS/age for GitOps repositories',
  rotation: 'Rotate keys regularly and automate rotation where possible',
  readers: 'Enforce RBAC and restrict who can read secrets',
  inventory: 'Maintain an inventory of secrets and owners',
} as const;

export type Practice = keyof typeof practices;

/** The one line that a user sees. */
export function messageOf({ allowed, fix }: Rule, { at, got }: Finding): string {
  return `${at}: got ${got}; allowed: ${allowed}; fix: ${fix}`;
}
