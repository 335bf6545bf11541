/**
 * The ages of values as Prometheus reads them from a file (its text format, 0.0.4): for alarms about
 * what waits for a person. Names and times, and no value.
 */
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import type { Journal } from './journal.ts';
import { dueItems, type Ledger, lastRotated } from './ledger.ts';
import { pathOf } from './selection.ts';

const daySeconds = 24 * 60 * 60;

/**
 * @param keys that the stack uses
 * @param now ISO time
 * @returns lines, each with its end; a key that was never rotated has a due time of 0
 */
export function metricsOf(
  stack: string,
  keys: readonly SecretKey[],
  { current }: Journal,
  ledger: Ledger,
  now = new Date().toISOString(),
): string {
  const last = lastRotated(ledger);
  const rows = keys.map((key) => {
    const at = last.get(pathOf(key));
    const seconds = at === undefined ? 0 : Math.floor(Date.parse(at) / 1000);
    const { group, owner, maxAgeDays } = entryOf(key);
    const labels = `{stack="${stack}",group="${group}",key="${key}",owner="${owner}"}`;
    return { labels, seconds, due: seconds === 0 ? 0 : seconds + maxAgeDays * daySeconds };
  });
  const gauge = (name: string, help: string, lines: readonly string[]): readonly string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...lines.map((line) => `${name}${line}`),
  ];
  const own = `{stack="${stack}"}`;
  const unfinished = current === undefined ? 0 : 1;
  return [
    ...gauge(
      'hummingbot_secret_rotated_timestamp_seconds',
      'When the value was last rotated; 0 when nobody has recorded it.',
      rows.map(({ labels, seconds }) => `${labels} ${seconds}`),
    ),
    ...gauge(
      'hummingbot_secret_due_timestamp_seconds',
      'When the value is due; 0, always due, when nobody has recorded its age.',
      rows.map(({ labels, due }) => `${labels} ${due}`),
    ),
    ...gauge('hummingbot_rotation_unfinished', 'Whether a rotation is not over.', [
      `${own} ${unfinished}`,
    ]),
    ...gauge(
      'hummingbot_rotation_open_items',
      'Credentials that nobody has confirmed as revoked, and groups with copies of them, behind their overlap.',
      [`${own} ${dueItems(ledger, now).length}`],
    ),
    '',
  ].join('\n');
}
