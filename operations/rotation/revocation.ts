/** The fifth step: old credentials, at their issuers, by the user's own hooks. */
import { overlapOf } from '../../settings/rotation.ts';
import { askHook, type Hook, hookOf } from './hooks.ts';
import { keyOf } from './new-values.ts';
import type { RotatedKey, Rotation } from './rotation.ts';

type Settings = Readonly<Record<string, unknown>>;

export interface RevokeArgs {
  readonly stack: string;
  readonly settings: Settings;
  /** Opens ciphertext, by path. */
  readonly open: (sealed: ReadonlyMap<string, string>) => Promise<ReadonlyMap<string, string>>;
}

/**
 * Until when an old credential stays: one that somebody else may have, for no time.
 * @param now ISO time
 * @returns ISO time; undefined when it need not stay any longer
 */
export function overlapEnd(
  { proven, emergency }: Pick<Rotation, 'proven' | 'emergency'>,
  { rotation }: Settings,
  now = new Date().toISOString(),
): string | undefined {
  if (emergency !== undefined) return undefined;
  const end = new Date(Date.parse(proven ?? now) + overlapOf(rotation) * 1000).toISOString();
  return end > now ? end : undefined;
}

/**
 * @returns what hooks have revoked, by path, with the hook's name; one that fails leaves its keys to a
 *   person, or to who asks it again
 */
export async function revoke(
  keys: readonly Pick<RotatedKey, 'path' | 'old' | 'new' | 'worth'>[],
  { stack, settings, open }: RevokeArgs,
): Promise<ReadonlyMap<string, string>> {
  const worth = keys.filter((each) => each.worth && each.old !== null);
  const byHook = new Map<string, { readonly hook: Hook; readonly own: (typeof worth)[number][] }>();
  for (const each of worth) {
    const hook = hookOf(settings, 'revoke', keyOf(each.path));
    if (hook === undefined) continue;
    const known = byHook.get(hook.what) ?? { hook, own: [] };
    known.own.push(each);
    byHook.set(hook.what, known);
  }
  const revoked = new Map<string, string>();
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
      for (const { path } of own) revoked.set(path, hook.program);
    } else {
      console.error(`${what}: got ${answer} of ${hook.program}, so a person has to revoke it`);
    }
  }
  return revoked;
}
