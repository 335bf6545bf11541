/** Who beyond an account may take a role, by the role's trust policy. */
import { type Context, listed } from './iam-condition.ts';
import { type Policy, type Statement, speaksOf, statementLabel } from './iam-policy.ts';

export interface Stranger {
  /** As the statement names it. */
  readonly principal: string;
  readonly isConditional: boolean;
  readonly cause: string;
  /** What mends the statement, if it is not to be taken out. */
  readonly mend?: string;
}

const anybody = '000000000000';

/** Other accounts, everybody, and identities of the web whose subject nothing pins. */
export function strangersIn(trust: Policy, account: string): readonly Stranger[] {
  return trust.statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap((statement) => strangersOf(statement, account))
    .map(({ statement, ...stranger }) => ({
      ...stranger,
      isConditional: Object.keys(statement.Condition ?? {}).length > 0,
      cause: statementLabel(trust, statement),
    }));
}

type Named = Pick<Stranger, 'principal' | 'mend'> & { readonly statement: Statement };

function strangersOf(statement: Statement, account: string): readonly Named[] {
  const { Principal: principal, NotPrincipal } = statement;
  const { AWS, Federated } = (
    typeof principal === 'object' && principal !== null ? principal : {}
  ) as { readonly AWS?: unknown; readonly Federated?: unknown };
  const isEverybody = principal === '*' || NotPrincipal !== undefined;
  const names = isEverybody ? ['*'] : listed(AWS);
  const others = names
    .map((name) => ({ name, of: name === '*' ? anybody : accountIn(name) }))
    .filter(({ of }) => of !== undefined && of !== account)
    .filter(({ name, of = '' }) => lets(statement, 'sts:AssumeRole', name, of))
    .map(({ name }) => ({ principal: name === '*' ? 'anybody, of any account' : name, statement }));
  const web = listed(Federated)
    .filter((provider) => !provider.includes(':saml-provider/'))
    .filter(() => speaks(statement, 'sts:AssumeRoleWithWebIdentity', () => 'unknown'))
    .flatMap((provider): readonly Named[] => {
      const host = provider.split(':oidc-provider/').at(-1) ?? '';
      if (pinsSubject(statement, host)) return [];
      return [
        {
          principal: `anybody whom ${host} knows`,
          mend: `pin ${host}:sub by StringEquals`,
          statement,
        },
      ];
    });
  return [...others, ...web];
}

/** Undefined: a principal that is gone, by its id. */
function accountIn(name: string): string | undefined {
  return /^\d{12}$/u.test(name) ? name : /^arn:[\w-]+:(?:iam|sts)::(\d{12}):/u.exec(name)?.[1];
}

/** Whether conditions leave somebody of another account in. */
function lets(statement: Statement, action: string, name: string, account: string): boolean {
  const known: Readonly<Record<string, readonly string[]>> = {
    'aws:principalaccount': [account],
    ...(name === '*' && { 'aws:principalarn': [`arn:aws:iam::${account}:role/x`] }),
    'aws:principalisawsservice': ['false'],
  };
  return speaks(statement, action, (key) => known[key.toLowerCase()] ?? 'unknown');
}

function speaks(statement: Statement, action: string, context: Context): boolean {
  const principal = { arn: '', account: anybody };
  return speaksOf(statement, { principal, action, resource: '', context }) !== 'no';
}

/** By whole words: a pattern leaves room, and `IfExists` and `ForAllValues` hold where there is none. */
function pinsSubject({ Condition = {} }: Statement, host: string): boolean {
  const subject = `${host}:sub`.toLowerCase();
  return Object.entries(Condition).some(([operator, keys]) => {
    const name = operator.toLowerCase().replace(/^foranyvalue:/u, '');
    const isExact = /^stringequals(?:ignorecase)?$/u.test(name);
    return Object.entries(keys).some(
      ([key, values]) =>
        key.toLowerCase() === subject &&
        (isExact || (name === 'stringlike' && listed(values).every(isPlain))),
    );
  });
}

function isPlain(word: string): boolean {
  return !/[*?]/u.test(word);
}
