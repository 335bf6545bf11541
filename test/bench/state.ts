/** What the state keeps of values: ciphertexts that hold one, and bytes. Nothing here is printed. */
import { formsOf } from '../canary.ts';

/** How Pulumi marks what it encrypts. */
const signature = '4dabf18193072939515e22adb298388d';

export interface Kept {
  /** Ciphertexts that hold the value in any form that `formsOf` knows. */
  readonly copies: number;
  /** Characters of those ciphertexts, as the state has them; a group's holds its other values too. */
  readonly bytes: number;
  /** Types of the resources that have one, each with their number: `File 2`. */
  readonly where: readonly string[];
}

interface Exported {
  readonly deployment: { readonly resources: readonly { readonly type: string }[] };
}

/** A ciphertext and what it holds. */
interface Ciphertext {
  readonly plaintext: string;
  readonly bytes: number;
}

/**
 * @param shown text of `pulumi stack export --show-secrets`
 * @param exported text of `pulumi stack export` of the same state
 */
export function copiesOf(shown: string, exported: string, value: string): Kept {
  const forms = [value, JSON.stringify(value).slice(1, -1)].flatMap((text) => [
    ...formsOf(text).values(),
  ]);
  const encrypted = (JSON.parse(exported) as Exported).deployment.resources;
  const found = (JSON.parse(shown) as Exported).deployment.resources.flatMap((resource, at) => {
    const all = ciphertextsIn(resource, encrypted[at]);
    const holding = all.filter(({ plaintext }) => forms.some((form) => plaintext.includes(form)));
    const name = resource.type.split(':').at(-1) ?? resource.type;
    const bytes = holding.reduce((sum, each) => sum + each.bytes, 0);
    return holding.length === 0 ? [] : [{ name, count: holding.length, bytes }];
  });
  return {
    copies: found.reduce((sum, { count }) => sum + count, 0),
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    where: found.map(({ name, count }) => `${name} ${count}`),
  };
}

/** The same place in both exports: one tells what it holds, the other how long it is. */
function ciphertextsIn(shown: unknown, encrypted: unknown): readonly Ciphertext[] {
  if (typeof shown !== 'object' || shown === null) return [];
  const beside = (encrypted ?? {}) as Record<string, unknown>;
  if (signature in shown) {
    const { plaintext = '' } = shown as { plaintext?: string };
    return [{ plaintext, bytes: String(beside.ciphertext ?? '').length }];
  }
  return Object.entries(shown).flatMap(([name, node]) => ciphertextsIn(node, beside[name]));
}
