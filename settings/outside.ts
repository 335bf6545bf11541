/** Checks how soon a value that somebody else changes has to be with the bot. */
import { type GroupName, groupNames } from '../components/catalog.ts';
import { leastWithin, mostWithin, type Outside, outsideOf } from '../components/outside.ts';
import type { GroupManner } from './groups.ts';
import { pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';

const fallback = '5m';
const never = 'never';
const duration = /^(?=\d)(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?$/u;

/** @returns undefined when the bot is left alone */
export function checkOutside(
  { config, stack }: RawSettings,
  manners: Readonly<Record<GroupName, GroupManner>>,
  found: Found,
): Outside | undefined {
  const value = config.externalWithin ?? '';
  const text = value === '' ? fallback : value;
  if (text === never) return undefined;
  const seconds = typeof text === 'string' ? secondsOf(text) : Number.NaN;
  if (!(seconds >= leastWithin && seconds <= mostWithin)) {
    found({
      what: 'externalWithin',
      got: typeof text === 'string' ? shown(text) : `a ${typeof text}`,
      allowed: `${leastWithin / 60}m to ${mostWithin / 3600}h, as 5m or 1h30m; or ${never}`,
      fix: pulumiCommand(stack, 'config', 'set', 'externalWithin', fallback),
    });
    return undefined;
  }
  for (const group of value === '' ? [] : groupNames) {
    const { source, env } = manners[group];
    if (source !== 'external' || env !== 'values') continue;
    found({
      what: `groups.${group}.env`,
      got: `values, with externalWithin ${text}`,
      allowed: `files, because nobody changes the environment of a bot that runs; or externalWithin ${never}`,
      fix: pulumiCommand(stack, 'config', 'set', `--path 'groups.${group}.env'`, 'files'),
    });
  }
  return outsideOf(seconds);
}

function secondsOf(text: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = duration.exec(text) ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
