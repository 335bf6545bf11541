/**
 * Conditions of IAM policies, three-valued: what only the moment of a request could say is `maybe`
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
 */

export type Truth = 'yes' | 'maybe' | 'no';

/** Values of a condition key; undefined: the request has none; `unknown`: only a request says. */
export type Context = (key: string) => readonly string[] | undefined | 'unknown';

export type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export function both(...truths: readonly Truth[]): Truth {
  if (truths.includes('no')) return 'no';
  return truths.includes('maybe') ? 'maybe' : 'yes';
}

export function either(...truths: readonly Truth[]): Truth {
  if (truths.includes('yes')) return 'yes';
  return truths.includes('maybe') ? 'maybe' : 'no';
}

function not(truth: Truth): Truth {
  return truth === 'maybe' ? truth : truth === 'yes' ? 'no' : 'yes';
}

/** Whether all conditions of a statement hold. */
export function hold(conditions: Conditions = {}, context: Context): Truth {
  return both(
    ...Object.entries(conditions).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => holds(operator, key, listed(values), context)),
    ),
  );
}

function holds(operator: string, key: string, wanted: readonly string[], context: Context): Truth {
  const name = operator.toLowerCase();
  const values = context(key);
  // Of several values in one request nothing is known here.
  if (values === 'unknown' || name.startsWith('for')) return 'maybe';
  const plain = name.replace(/ifexists$/u, '');
  if (plain === 'null') return truth((wanted[0] === 'true') === (values === undefined));
  const negated = plain.includes('not');
  if (values === undefined) return truth(negated || plain !== name);
  const test = tests[plain.replace('not', '')];
  if (test === undefined) return 'maybe';
  const match = either(
    ...values.flatMap((value) =>
      wanted.map((each): Truth => (each.includes('${') ? 'maybe' : truth(test(value, each)))),
    ),
  );
  return negated ? not(match) : match;
}

const tests: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  stringequals: (value, wanted) => value === wanted,
  stringequalsignorecase: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  stringlike: (value, wanted) => isLike(value, wanted),
  arnequals: isArnLike,
  arnlike: isArnLike,
  bool: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
};

/** Each of an ARN's six parts by itself: a `*` ends at a colon, but in the last. */
function isArnLike(value: string, wanted: string): boolean {
  const [one, other] = [value, wanted].map(partsOf);
  return (
    one !== undefined &&
    other?.length === one.length &&
    one.every((part, at) => isLike(part, other[at] ?? ''))
  );
}

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** `*` and `?` as IAM has them, in time that grows with the lengths alone. */
export function isLike(text: string, pattern: string): boolean {
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[from] === '*') {
      star = from++;
      mark = at;
    } else if (from < pattern.length && (pattern[from] === '?' || pattern[from] === text[at])) {
      at++;
      from++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++mark;
    } else return false;
  }
  while (pattern[from] === '*') from++;
  return from === pattern.length;
}

function truth(value: boolean): Truth {
  return value ? 'yes' : 'no';
}

/** IAM takes one word where a list may stand, and numbers and flags for words. */
export function listed(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
