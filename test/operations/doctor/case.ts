/** Facts of a stack on which nothing is wrong; a test makes one thing wrong. */
import { entryOf, type SecretKey, secretKeys } from '../../../components/catalog.ts';
import type { Arrival, Facts, KeyFacts, SetState } from '../../../operations/doctor/facts.ts';
import { isOfBot } from '../../../operations/doctor/facts.ts';

export function keyFacts(key: SecretKey, set: SetState = 'own value'): KeyFacts {
  return { key, entry: entryOf(key), set };
}

export const allKeys: readonly KeyFacts[] = secretKeys.map((key) => keyFacts(key));
export const botKeys: readonly SecretKey[] = allKeys.filter(isOfBot).map(({ key }) => key);

export function arrivals(
  arrival: Arrival,
  keys: readonly KeyFacts[] = allKeys,
): ReadonlyMap<SecretKey, Arrival> {
  return new Map(keys.map(({ key }) => [key, arrival]));
}

export const healthy: Facts = {
  stack: 'dev',
  keys: allKeys,
  findings: [],
  deliveries: [{ target: 'files', arrivals: arrivals('yes'), findings: [] }],
  bot: {
    report: {
      hummingbot: 'dev-2.18.0',
      materialised: botKeys,
      read: botKeys,
      trading: undefined,
      at: '2026-11-26T12:00:00Z',
    },
    restart: 'RESTART',
    findings: [],
  },
  strategy: undefined,
};
