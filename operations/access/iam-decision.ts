/**
 * What AWS would answer to somebody (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html),
 * as far as the account's own policies say: those of its organisation are not seen from inside. The
 * service's simulator leaves resource policies of roles out, which is where these secrets are closed
 * (docs/decisions/0030-who-may-read-is-asked-of-policies.md).
 */
import { both, type Truth } from './iam-condition.ts';
import {
  isFor,
  type Policy,
  type Principal,
  type Request,
  type Statement,
  speaksOf,
  statementLabel,
} from './iam-policy.ts';

/** Whoever asks, with what is attached to it. */
export interface Holder extends Principal {
  readonly policies: readonly Policy[];
  readonly boundary?: Policy;
}

export interface Decision {
  /** `maybe`: under a condition that only a request can meet. */
  readonly allowed: Truth;
  /** The statement that says so; empty: none speaks of it. */
  readonly cause: string;
  /** Whether a statement refuses it, whatever others allow. */
  readonly denied: Truth;
}

interface Said {
  readonly truth: Truth;
  readonly cause: string;
}

const silent: Said = { truth: 'no', cause: '' };

/**
 * @param policy of the resource
 * @param delegates whether the resource's policy alone decides whether IAM's own may allow: keys and
 *   roles are so, secrets are not
 */
export function decide(
  holder: Holder,
  request: Omit<Request, 'principal'>,
  policy: Policy | undefined,
  delegates: boolean,
): Decision {
  const asked: Request = { ...request, principal: holder };
  const { boundary, policies, account } = holder;
  const attached = boundary === undefined ? policies : [...policies, boundary];
  const denied = strongest([
    ...attached.map((each) => said(each, 'Deny', asked)),
    ...(policy ? [said(policy, 'Deny', asked, ['direct', 'account', 'maybe'])] : []),
  ]);
  const identity = strongest(policies.map((each) => said(each, 'Allow', asked)));
  const bounded = boundary === undefined ? 'yes' : said(boundary, 'Allow', asked).truth;
  const direct = policy ? said(policy, 'Allow', asked, ['direct', 'maybe']) : silent;
  const opened = policy ? said(policy, 'Allow', asked, ['account']).truth : 'no';
  const isOwn = request.resource.split(':')[4] === account;
  const byIdentity = both(identity.truth, bounded, !isOwn ? 'no' : delegates ? opened : 'yes');
  const allow = strongest([
    { ...direct, truth: isOwn ? direct.truth : both(direct.truth, identity.truth) },
    { ...identity, truth: byIdentity },
  ]);
  if (denied.truth === 'yes') return { allowed: 'no', cause: denied.cause, denied: 'yes' };
  const allowed = denied.truth === 'maybe' ? both(allow.truth, 'maybe') : allow.truth;
  return { allowed, cause: allow.cause, denied: denied.truth };
}

/** What a policy's statements of one effect say; with `names`, those that are for the principal so. */
function said(
  policy: Policy,
  effect: 'Allow' | 'Deny',
  request: Request,
  names?: readonly string[],
): Said {
  return strongest(
    policy.statements
      .filter(({ Effect }) => Effect === effect)
      .map((statement) => ({
        truth: both(forWhom(statement, request, names), speaksOf(statement, request)),
        cause: statementLabel(policy, statement),
      })),
  );
}

function forWhom(
  statement: Statement,
  { principal }: Request,
  names: readonly string[] | undefined,
): Truth {
  if (names === undefined) return 'yes';
  const named = isFor(statement, principal);
  if (!names.includes(named)) return 'no';
  return named === 'maybe' ? 'maybe' : 'yes';
}

function strongest(all: readonly Said[]): Said {
  return (
    all.find(({ truth }) => truth === 'yes') ?? all.find(({ truth }) => truth === 'maybe') ?? silent
  );
}
