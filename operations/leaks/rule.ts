/**
 * A rule that finds a secret by what it looks like, in the form of gitleaks
 * (https://github.com/gitleaks/gitleaks#configuration): regular expressions that RE2 and JavaScript
 * read alike, so that .gitleaks.toml and `npm run leaks` find the same.
 */

export interface Rule {
  readonly id: string;
  readonly description: string;
  /** Its first group is the secret; without a group, all of it. */
  readonly regex: string;
  readonly anyCase?: boolean;
  /** Lower case; one of them stands in whatever the rule finds. */
  readonly keywords: readonly string[];
  /** Least Shannon entropy of the secret, in bits a character. */
  readonly entropy?: number;
  /** Secrets that are none. */
  readonly allow?: readonly string[];
  /** Whether what it finds can be nothing else, so that it is looked for in binary files, too. */
  readonly distinct: boolean;
}

/** Secrets that no rule means. */
export const allowedEverywhere: readonly string[] = [
  // Examples, in the guide, in the documentation and in Pulumi's and AWS's own.
  '(?:^|[^A-Za-z])[Yy]our[_-]|YOUR_',
  '[Pp]laceholder|PLACEHOLDER|[Ee]xample|EXAMPLE|changeme|secure_(?:database|redis)_password',
  '\\.\\.\\.$',
  // The key by which Binance's documentation shows how requests are signed.
  '^NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j$',
  // References and templates.
  '^\\$[A-Za-z_{(]|\\$\\{|\\{\\{|%[sqv]|^[&*][a-z][a-z-]*$|^<[^>]*>?$',
  '^/(?:run|etc|var|tmp|home|root|proc|dev|usr|secrets)/|^(?:\\.\\.?|~)/|^(?:file|arn|ssm):',
  // Encrypted: Pulumi, SOPS, sealed-secrets, age.
  '^v1:|^ENC\\[|^Ag[ABCD][A-Za-z0-9+/]{200}|^age1',
];

/** `name = value`, `name: 'value'`, `"name": "value"`, `--name value`; the value is the group. */
export function assigned(names: string, value: string): string {
  return `(?:^|[^A-Za-z0-9])(?:${names})["'\\]]{0,2}[ \\t]{0,4}(?:=>|:=|[:=])[ \\t]{0,4}["'\`]?(${value})(?:["'\`\\s,;}]|$)`;
}

/** Bits a character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
}
