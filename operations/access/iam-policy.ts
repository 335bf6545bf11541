/** Policies of IAM as documents, and which of their statements speak of a request. */
import {
  both,
  type Conditions,
  type Context,
  either,
  hold,
  isLike,
  listed,
  type Truth,
} from './iam-condition.ts';

export interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: Conditions;
}

/** A document with the name that a person finds it by. */
export interface Policy {
  readonly name: string;
  readonly statements: readonly Statement[];
}

export interface Principal {
  readonly arn: string;
  /** 12 digits. */
  readonly account: string;
}

export interface Request {
  readonly principal: Principal;
  /** Such as `kms:Decrypt`. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  readonly context: Context;
}

/** @throws SyntaxError on what is no JSON */
export function parsePolicy(name: string, text: string): Policy {
  const { Statement: all } = JSON.parse(text) as { Statement?: unknown };
  const list = Array.isArray(all) ? all : [all];
  return {
    name,
    statements: list.filter((each): each is Statement => typeof each === 'object' && each !== null),
  };
}

/** `policy x, statement y` */
export function statementLabel({ name, statements }: Policy, statement: Statement): string {
  const which = statement.Sid ?? `number ${statements.indexOf(statement) + 1}`;
  return `${name}, statement ${which}`;
}

/** Whether a statement speaks of a request, whoever it is for. */
export function speaksOf(statement: Statement, request: Request): Truth {
  const { action, resource, context } = request;
  return both(
    matching(statement.Action, statement.NotAction, action, true),
    statement.Resource === undefined && statement.NotResource === undefined
      ? 'yes'
      : matching(statement.Resource, statement.NotResource, resource, false),
    hold(statement.Condition, context),
  );
}

function matching(wanted: unknown, unwanted: unknown, text: string, anyCase: boolean): Truth {
  const fold = (word: string): string => (anyCase ? word.toLowerCase() : word);
  const one = (pattern: string): Truth => {
    const whole = pattern.replaceAll(/\$\{[^}]*\}/gu, '*');
    if (!isLike(fold(text), fold(whole))) return 'no';
    return whole === pattern ? 'yes' : 'maybe';
  };
  if (unwanted === undefined) return either('no', ...listed(wanted).map(one));
  const match = either('no', ...listed(unwanted).map(one));
  return match === 'maybe' ? 'maybe' : match === 'yes' ? 'no' : 'yes';
}

/** `direct`: named itself, or everybody; `account`: its account, which leaves the rest to IAM. */
export type Named = 'direct' | 'account' | 'maybe' | 'no';

/** Whether a statement of a resource's policy is for a principal. */
export function isFor({ Principal, NotPrincipal }: Statement, { arn, account }: Principal): Named {
  if (NotPrincipal !== undefined) return 'maybe';
  const names =
    Principal === '*' ? ['*'] : listed((Principal as { AWS?: unknown } | undefined)?.AWS);
  const role = arn.split('/').at(-1);
  if (names.includes('*') || names.includes(arn)) return 'direct';
  if (names.some((each) => each.includes(`${account}:assumed-role/${role}/`))) return 'maybe';
  const root = [account, `arn:aws:iam::${account}:root`];
  return names.some((each) => root.includes(each)) ? 'account' : 'no';
}
