/** The fifth step: old credentials, at their issuers, by the user's own hooks. */
import { askHook, type Hook, hookOf } from './hooks.ts';
import { keyOf } from './new-values.ts';
import type { RotatedKey } from './rotation.ts';

export interface RevokeArgs {
  readonly stack: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Opens ciphertext, by path. */
  readonly open: (sealed: ReadonlyMap<string, string>) => Promise<ReadonlyMap<string, string>>;
}

/** @returns paths of what hooks have revoked; a hook that fails leaves its keys to a person */
export async function revoke(
  keys: readonly RotatedKey[],
  { stack, settings, open }: RevokeArgs,
): Promise<readonly string[]> {
  const worth = keys.filter((each) => each.worth && each.old !== null);
  const byHook = new Map<string, { readonly hook: Hook; readonly own: RotatedKey[] }>();
  for (const each of worth) {
    const hook = hookOf(settings, 'revoke', keyOf(each.path));
    if (hook === undefined) continue;
    const known = byHook.get(hook.what) ?? { hook, own: [] };
    known.own.push(each);
    byHook.set(hook.what, known);
  }
  const revoked: string[] = [];
  for (const [what, { hook, own }] of byHook) {
    const side = async (name: 'old' | 'new'): Promise<Readonly<Record<string, string>>> => {
      const sealed = own.map((each) => [each.path, each[name] ?? ''] as const);
      const opened = await open(new Map(sealed));
      return Object.fromEntries([...opened].map(([path, value]) => [keyOf(path), value]));
    };
    const values = { old: await side('old'), new: await side('new') };
    const answer = await askHook(hook, { step: 'revoke', stack, what, ...values });
    if (answer === undefined) {
      console.log(`  ${what}: ${hook.program} has revoked the old one`);
      revoked.push(...own.map(({ path }) => path));
    } else {
      console.error(`${what}: got ${answer} of ${hook.program}, so a person has to revoke it`);
    }
  }
  return revoked;
}
