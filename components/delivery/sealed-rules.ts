/** What target `sealed-secrets` is to settings and doctor, which load no SDK. No value comes here. */
import { parse } from 'yaml';
import { groups } from '../catalog.ts';
import { tagAnnotation } from '../labels.ts';
import type { GitTarget, Looked } from './delivery.ts';

const folder = 'sealed';

/** Of a group's file, below the stack's folder. */
export function sealedPathOf(group: string): string {
  if (!Object.hasOwn(groups, group)) throw new Error(`group ${group} is not in the catalog`);
  return `${folder}/${groups[group as keyof typeof groups].secretName}.yaml`;
}

interface SealedSecret {
  readonly kind?: unknown;
  readonly metadata?: { readonly annotations?: Readonly<Record<string, unknown>> | null };
  readonly spec?: {
    readonly encryptedData?: Readonly<Record<string, unknown>>;
    readonly template?: {
      readonly data?: unknown;
      readonly metadata?: { readonly annotations?: Readonly<Record<string, unknown>> | null };
    };
  };
}

/**
 * Of a Secret's template: the controller takes its owner reference off, so that nobody deletes the
 * Secret with its SealedSecret, and goes on writing it (pkg/apis/sealedsecrets/v1alpha1/types.go, 0.36).
 */
export const handOverAnnotations = {
  'sealedsecrets.bitnami.com/managed': 'true',
  'sealedsecrets.bitnami.com/skip-set-owner-references': 'true',
} as const;

/** Two bytes of a length, a key of 2048 bits or more, and the ciphertext, in base64. */
const ciphertext = /^[A-Za-z0-9+/]{338,}={0,2}$/u;

/** @returns undefined for what is none of strict scope, or has something in the clear */
export function lookAtSealed(text: string): Looked | undefined {
  const { kind, metadata, spec } = parsed(text) ?? {};
  const template = spec?.template;
  const notes = { ...metadata?.annotations, ...template?.metadata?.annotations };
  const entries = Object.entries(spec?.encryptedData ?? {});
  const isSealed =
    kind === 'SealedSecret' &&
    template?.data === undefined &&
    // The wider scopes are said by annotations.
    !Object.keys(notes).some((note) => note.endsWith('-wide')) &&
    entries.length > 0 &&
    entries.every(([, value]) => typeof value === 'string' && ciphertext.test(value));
  if (!isSealed) return undefined;
  return {
    tag: String(template?.metadata?.annotations?.[tagAnnotation] ?? ''),
    keys: entries.map(([key]) => key),
  };
}

/** Whether a Secret outlives the SealedSecret that is written there. */
export function isHandedOver(text: string): boolean {
  const annotations = parsed(text)?.spec?.template?.metadata?.annotations ?? {};
  return Object.entries(handOverAnnotations).every(([name, value]) => annotations[name] === value);
}

function parsed(text: string): SealedSecret | null | undefined {
  try {
    return parse(text) as SealedSecret | null;
  } catch {
    return undefined;
  }
}

export const sealedRules: Omit<GitTarget, 'deliver'> = {
  kind: 'git',
  needs: ({ sealedInto }) => (sealedInto === 'git' ? [] : ['cluster']),
  encryptsFor: 'certificate',
  valuePaths: () => [],
  claims: ['the namespace'],
  refuses: (value) => (value.includes('\0') ? 'a NUL byte' : undefined),
  manifest: (group) => ({ path: sealedPathOf(group), look: lookAtSealed }),
  isHandedOver,
};
