/** What a rotation is about: which keys, where they are, who uses them, how old they are. */
import { entryOf, type SecretKey, secretKeys } from '../../components/catalog.ts';
import { isExample, placeholderOf } from '../../components/shape.ts';
import { report } from '../../settings/mistake.ts';
import { openConfig } from '../doctor/config.ts';
import { isExternal, listed } from '../doctor/values.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { type Outputs, outputsOf } from '../engine/stack-outputs.ts';
import { dueDay, type Ledger, lastRotated } from './ledger.ts';
import { valueIn } from './sealed-config.ts';
import { pathOf, type Rotatable } from './selection.ts';

type Settings = Readonly<Record<string, unknown>>;

/** Values in it are secret, and stay in this process. */
export interface Scope extends Rotatable {
  readonly settings: Settings;
  readonly outputs: Outputs;
}

/** @throws CommandError when its settings are wrong, or it is not up */
export async function scopeOf(engine: Engine): Promise<Scope> {
  const { stack } = engine;
  const [{ settings, mistakes }, outputs] = await Promise.all([
    openConfig(engine),
    outputsOf(engine),
  ]);
  if (mistakes.length > 0) throw new CommandError(report(stack, mistakes));
  if (outputs === undefined) {
    throw new CommandError(
      `stack ${stack}: got one that is not up; allowed: one whose values are delivered; fix: npm start -- --stack ${stack}`,
    );
  }
  const isGiven = (key: SecretKey): boolean => valueIn(settings, pathOf(key)) !== undefined;
  return { settings, outputs, ...rotatableOf(stack, settings, isGiven) };
}

/** @param isGiven whether the config has a value of a key */
export function rotatableOf(
  stack: string,
  settings: Settings,
  isGiven: (key: SecretKey) => boolean,
): Rotatable {
  const names = [...listed(settings.exchanges), ...listed(settings.services)];
  const used = secretKeys.filter((key) => names.includes(entryOf(key).usedWith));
  return {
    stack,
    used,
    leftOut: used.filter((key) => entryOf(key).optional && !isGiven(key)),
    external: [...new Set(used.map((key) => entryOf(key).group))].filter((group) =>
      isExternal(settings, group),
    ),
  };
}

/** Whether a stack file has a value of a key, opened or not. */
export function isSet(settings: Settings, key: SecretKey): boolean {
  const map = settings[entryOf(key).group];
  return map !== null && typeof map === 'object' && key in map;
}

export function tagOf({ tags }: Outputs, path: string): string | undefined {
  const [group = '', key = ''] = path.split('.');
  return tags[group]?.keys[key];
}

/** Whether a value is one that no issuer knows. */
export function isWorthless(key: SecretKey, value: string): boolean {
  return value === placeholderOf(entryOf(key).shape, key) || isExample(value);
}

/** The first step, as people see it. */
export function scopeLines(
  { stack, outputs }: Scope,
  keys: readonly SecretKey[],
  ledger: Ledger,
): readonly string[] {
  const last = lastRotated(ledger);
  const rows = keys.map((key) => {
    const { consumers, owner, source, maxAgeDays } = entryOf(key);
    const at = last.get(pathOf(key));
    const age = at === undefined ? 'no rotation is recorded' : `rotated ${at.slice(0, 10)}`;
    const due = at === undefined ? '' : `, due ${dueDay(at, maxAgeDays)}`;
    const how = source === 'generated' ? 'made anew' : 'you give it';
    return `  ${pathOf(key)}: ${how}; used by ${consumers.join(', ')}; owner ${owner}; ${age}${due}`;
  });
  const restarts = keys.some((key) => entryOf(key).consumers.includes('hummingbot'));
  const bot = restarts ? 'the bot restarts once' : 'the bot does not restart';
  const targets = Object.keys(outputs.delivered).join(', ');
  return [...rows, `  delivered to ${targets} of stack ${stack}; ${bot}`];
}
