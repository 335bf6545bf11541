/** What only the state knows: generated values, and the key of the tags. */
import type { Engine } from './engine.ts';

interface Resource {
  readonly urn?: string;
  readonly outputs?: { readonly result?: { readonly plaintext?: string } };
}

const type = 'random:index/randomPassword:RandomPassword';

/** @returns the name of a generated password's resource; undefined for any other resource */
export function passwordNameOf(urn: string): string | undefined {
  return urn.split(`${type}::`)[1];
}

/**
 * Opens the state. What it gives is secret, and stays in this process.
 * @returns by the resource's name, such as `tag-key` or `infrastructure-postgres_password`; the exit
 *   code of `pulumi stack export` when that fails
 */
export async function statePasswords({
  ask,
  stack,
}: Pick<Engine, 'ask' | 'stack'>): Promise<ReadonlyMap<string, string> | number> {
  const { code, stdout } = await ask(['stack', 'export', '--show-secrets', '--stack', stack]);
  if (code !== 0) return code;
  const { deployment } = JSON.parse(stdout) as {
    deployment?: { readonly resources?: readonly Resource[] };
  };
  const passwords = (deployment?.resources ?? []).flatMap(({ urn = '', outputs }) => {
    const name = passwordNameOf(urn);
    const text = outputs?.result?.plaintext;
    return name === undefined || text === undefined
      ? []
      : [[name, String(JSON.parse(text))] as const];
  });
  return new Map(passwords);
}
