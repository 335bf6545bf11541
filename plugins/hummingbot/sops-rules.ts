/**
 * Whom a document is encrypted for, and what of it, as sops is told (`.sops.yaml`) and as it says
 * in the document itself (https://getsops.io/docs/). No value comes here.
 */
import { parse, stringify } from 'yaml';

/** Only these: an encrypted name or kind is nothing that Kubernetes or a review could read. */
export const encryptedRegex = '^(data|stringData)$';

/** Recipients in an order of their own: another order in the settings is no change. */
export function sortedRecipients(recipients: readonly string[]): readonly string[] {
  return [...new Set(recipients)].sort();
}

/**
 * The contents of a `.sops.yaml`.
 * @param recipients age public keys, and ARNs of KMS keys; each of them can decrypt
 * @param pathRegex of the documents, from the file's folder on; @default - every document
 */
export function creationRules(recipients: readonly string[], pathRegex?: string): string {
  const sorted = sortedRecipients(recipients);
  const [age, kms] = [sorted.filter((each) => !isKms(each)), sorted.filter(isKms)];
  const rule = {
    ...(pathRegex !== undefined && { path_regex: pathRegex }),
    encrypted_regex: encryptedRegex,
    ...(age.length > 0 && { age: age.join(',') }),
    ...(kms.length > 0 && { kms: kms.join(',') }),
  };
  return stringify({ creation_rules: [rule] }, { lineWidth: 0 });
}

function isKms(recipient: string): boolean {
  return recipient.startsWith('arn:');
}

interface Document {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, unknown>> };
  readonly data?: Readonly<Record<string, unknown>>;
  readonly sops?: {
    readonly encrypted_regex?: unknown;
    readonly mac?: unknown;
    readonly age?: readonly { readonly recipient?: unknown }[] | null;
    readonly kms?: readonly { readonly arn?: unknown }[] | null;
  };
}

export interface Encrypted {
  readonly keys: readonly string[];
  /** Sorted. */
  readonly recipients: readonly string[];
  /** What stands in the annotation: it may be anything. */
  readonly tag: string;
}

/** @returns undefined when a value of it stands in the clear, or nothing was encrypted */
export function lookAtDocument(text: string, tagAnnotation: string): Encrypted | undefined {
  let document: Document | null;
  try {
    document = parse(text) as Document | null;
  } catch {
    return undefined;
  }
  const { metadata, data, sops } = document ?? {};
  const entries = Object.entries(data ?? {});
  const encrypted = entries.every(
    ([, value]) => typeof value === 'string' && value.startsWith('ENC[AES256_GCM,'),
  );
  if (sops?.encrypted_regex !== encryptedRegex || typeof sops.mac !== 'string') return undefined;
  if (entries.length === 0 || !encrypted) return undefined;
  const found = [
    ...(sops.age ?? []).map(({ recipient }) => String(recipient)),
    ...(sops.kms ?? []).map(({ arn }) => String(arn)),
  ];
  return {
    keys: entries.map(([key]) => key),
    recipients: sortedRecipients(found),
    tag: String(metadata?.annotations?.[tagAnnotation] ?? ''),
  };
}

/**
 * Who can decrypt a document.
 * @returns sorted; undefined when it is not encrypted
 */
export function recipientsOf(text: string): readonly string[] | undefined {
  return lookAtDocument(text, '')?.recipients;
}
