/** What dev's embedded backend says of its updates, and of who holds it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkout } from '../e2e/checkout.ts';

const locks = '.local/state/.pulumi/locks/organization/hummingbot-secrets/dev';
const history = '.local/state/.pulumi/history/hummingbot-secrets/dev';

/** Times in seconds since 1970. */
export interface Update {
  readonly startTime: number;
  readonly endTime: number;
}

/** Paths of the locks that are there, below the checkout. */
export function locksOf(checkout: Checkout): readonly string[] {
  const path = checkout.path(locks);
  if (!existsSync(path)) return [];
  const names = readdirSync(path).filter((name) => name.endsWith('.json'));
  return names.map((name) => join(locks, name));
}

/** What the backend has noted of each update, oldest first. */
export function updatesOf(checkout: Checkout): readonly Update[] {
  const path = checkout.path(history);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith('.history.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(path, name), 'utf8')) as Update);
}

/** One update begins when the one before has ended. */
export function updatesAtOnce(updates: readonly Update[]): readonly string[] {
  const sorted = updates.toSorted((a, b) => a.startTime - b.startTime);
  return sorted.flatMap(({ startTime }, at) => {
    const before = sorted[at - 1];
    return before !== undefined && startTime < before.endTime ? ['two updates at once'] : [];
  });
}
