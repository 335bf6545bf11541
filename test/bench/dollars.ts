/** What a month costs at AWS, from what was counted. */

/**
 * List prices in us-east-1, in dollars: https://aws.amazon.com/secrets-manager/pricing/ and
 * https://aws.amazon.com/kms/pricing/, as docs/targets/aws-secrets-manager.md had them in November 2026.
 */
export const prices = { secretMonth: 0.4, calls10k: 0.05, keyMonth: 1, kms10k: 0.03 } as const;
export const hoursAMonth = 730;

export interface Counted {
  /** Secrets that a first `up` makes. */
  readonly secrets: number;
  /** Keys that it makes. */
  readonly keys: number;
  /** Groups that are read again every hour. */
  readonly periodic: number;
  /** Calls to Secrets Manager that one reading of one group takes. */
  readonly callsARefresh: number;
}

export interface Month {
  readonly secrets: number;
  readonly calls: number;
  /** Of the calls, with one decryption by KMS for each; its free 20,000 are left out. */
  readonly reading: number;
  /** Of the stack, whatever the number of its bots. */
  readonly keys: number;
}

export function monthOf({ secrets, keys, periodic, callsARefresh }: Counted): Month {
  const calls = periodic * callsARefresh * hoursAMonth;
  return {
    secrets: secrets * prices.secretMonth,
    calls,
    reading: (calls / 10_000) * (prices.calls10k + prices.kms10k),
    keys: keys * prices.keyMonth,
  };
}
