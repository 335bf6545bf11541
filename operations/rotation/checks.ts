/** The third step: does the new credential work, before anything moves. */
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { lineOf } from '../../settings/mistake.ts';
import { CommandError } from '../engine/command-error.ts';
import { askHook, hookOf } from './hooks.ts';
import { askIssuer, hasIssuer } from './issuers.ts';
import { keyOf } from './new-values.ts';
import type { Check, Rotation } from './rotation.ts';
import { valueIn } from './sealed-config.ts';
import { pathOf } from './selection.ts';
import { addressOf, askService, asksFor } from './services.ts';

export interface CheckArgs {
  readonly stack: string;
  readonly skip: boolean;
  /** Settings as they are set now, opened. Secret. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Opens ciphertext, by path. */
  readonly open: (sealed: ReadonlyMap<string, string>) => Promise<ReadonlyMap<string, string>>;
  /** Keys that the stack uses. */
  readonly used: readonly SecretKey[];
}

/**
 * Asks about each credential once, with all that is used together.
 * @throws CommandError for one that does not work; its new value is kept for whoever resumes
 */
export async function check(
  { keys, emergency }: Rotation,
  args: CheckArgs,
): Promise<readonly Check[]> {
  const subjects = Map.groupBy(
    keys.map(({ path }) => keyOf(path)),
    (key) =>
      hookOf(args.settings, 'check', key)?.what ?? `${entryOf(key).group}.${entryOf(key).usedWith}`,
  );
  const sealed = keys.flatMap((each) => (each.new ? [[each.path, each.new] as const] : []));
  const again = `npm run rotate -- --stack ${args.stack}`;
  const other =
    emergency === undefined
      ? `${again} --abort gives it up`
      : `${again} --compromised ${keys.map(({ path }) => path).join(' ')} takes another one`;
  const refused = (what: string, got: string, address?: string): CommandError => {
    const isUnknown = address !== undefined && got.startsWith('a refusal');
    const first = isUnknown ? 'set it there first (docs/rotation.md, Addresses of services); ' : '';
    return refusal(what, got, `${first}${again}`, other);
  };
  let opened: ReadonlyMap<string, string> | undefined;
  const checks: Check[] = [];
  for (const [what, own] of subjects) {
    const [first] = own;
    if (first === undefined) continue;
    const { usedWith } = entryOf(first);
    const hook = hookOf(args.settings, 'check', first);
    const address = hook === undefined ? addressOf(args.settings, what) : undefined;
    const isAsked = address === undefined ? hasIssuer(usedWith, own) : asksFor(what, address, own);
    if (args.skip || (hook === undefined && !isAsked)) {
      console.log(args.skip ? `  ${what}: skipped` : `  ${what}: there is no check of it`);
      checks.push({ what, result: args.skip ? 'skipped' : 'none' });
      continue;
    }
    opened ??= await args.open(new Map(sealed));
    const values = new Map(
      args.used.flatMap((key) => {
        const value = opened?.get(pathOf(key)) ?? valueIn(args.settings, pathOf(key));
        return entryOf(key).usedWith !== usedWith || value === undefined ? [] : [[key, value]];
      }),
    );
    if (hook !== undefined) {
      const all = Object.fromEntries(values);
      const answer = await askHook(hook, { step: 'check', stack: args.stack, what, new: all });
      if (answer !== undefined) throw refused(what, `${answer} of ${hook.program}`);
    } else {
      const verdict =
        address === undefined
          ? await askIssuer(usedWith, values)
          : await askService(what, address, values, own);
      if (verdict !== 'works') throw refused(what, verdict.got, address);
    }
    const host = address === undefined ? undefined : new URL(address).host;
    const by = hook?.program ?? host ?? usedWith;
    console.log(`  ${what}: ${by === usedWith ? 'its issuer' : by} takes it`);
    checks.push({ what, result: 'passed', by });
  }
  return checks;
}

function refusal(what: string, got: string, again: string, other: string): CommandError {
  return new CommandError(
    lineOf({
      what,
      got: `${got} for the new value`,
      allowed: 'a credential that its issuer takes from this machine',
      fix: `${again} --resume asks once more, --resume --skip-check goes on without (as for a key that is bound to the bot's address), ${other}; nothing has moved`,
    }),
  );
}
