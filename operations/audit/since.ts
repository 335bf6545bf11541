/** From when on: `30m`, `24h`, `7d`, or a time. */
import { CommandError } from '../engine/command-error.ts';

const units: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** @returns milliseconds since 1970. @throws CommandError */
export function sinceOf(word: string, now: number): number {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhd])$/u.exec(word) ?? [];
  const seconds = units[unit];
  if (seconds !== undefined) return now - Number(count) * seconds * 1000;
  const at = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?$/u.test(word) ? Date.parse(word) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new CommandError(
    'audit: got a time that is none; allowed: 30m, 24h, 7d, or as 2026-11-27T10:00:00Z; fix: --since 24h',
  );
}
