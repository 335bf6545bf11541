/**
 * Quantities that are spelt differently and are the same (`1000m`, `1`): the official provider
 * normalises its inputs through Go's types for this, this one only compares.
 */
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9 };
const more: Readonly<Record<string, number>> = { ...decimal, T: 12, P: 15, E: 18 };
const binary: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
/** Maps whose values are quantities. */
const holders = new Set([
  'limits',
  'requests',
  'hard',
  'default',
  'defaultRequest',
  'max',
  'min',
  'maxLimitRequestRatio',
]);
const nanosPerOne = 9;

/** @param path of the values */
export function sameQuantity(
  path: readonly (string | number)[],
  one: unknown,
  other: unknown,
): boolean {
  const holder = path.at(-2);
  if (!holders.has(String(holder)) && path.at(-1) !== 'sizeLimit') return false;
  const [before, after] = [nanosOf(one), nanosOf(other)];
  return before !== undefined && before === after;
}

/** In billionths, the finest that Kubernetes knows; undefined when it is no quantity. */
function nanosOf(value: unknown): bigint | undefined {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+)|([a-zA-Z]{0,2}))$/u.exec(String(value));
  if (parts === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = parts;
  const scale = binary[suffix];
  const power =
    exponent === undefined ? (scale === undefined ? more[suffix] : 0) : Number(exponent);
  if (power === undefined || whole + fraction === '') return undefined;
  const shift = power + nanosPerOne - fraction.length;
  const digits = BigInt(whole + fraction) * 1024n ** BigInt(scale ?? 0);
  if (shift < 0 && digits % 10n ** BigInt(-shift) !== 0n) return undefined;
  const nanos = shift < 0 ? digits / 10n ** BigInt(-shift) : digits * 10n ** BigInt(shift);
  return sign === '-' ? -nanos : nanos;
}
