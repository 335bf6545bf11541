/**
 * The alarms, against the metrics that are really printed: each is evaluated on both sides of its
 * bound. The expressions use of PromQL what JavaScript reads alike (arithmetic, comparisons, `and` of
 * one series with itself); an expression that uses more fails here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { parse } from 'yaml';
import { type Entry, readLedger } from '../../operations/rotation/ledger.ts';
import { metricsOf } from '../../operations/rotation/metrics.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = parse(readFileSync('examples/schedule/alerts.yaml', 'utf8')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap(({ rules: own }) => own);
const daySeconds = 86_400;
const now = Date.parse('2026-11-27T10:00:00.000Z') / 1000;

const entry: Entry = {
  at: new Date(now * 1000).toISOString(),
  stack: 'prod',
  rotation: 'abc',
  did: 'rotated',
  who: 'someone',
  why: '',
  keys: [{ key: 'trading.binance_api_key', old: 'a', new: 'b', due: '2027-02-25' }],
  targets: [],
  checks: [],
  uncompared: [],
  failures: 0,
  open: [{ id: 'abc-1', key: 'trading.binance_api_key', revoke: 'old' }],
  voids: [],
  after: [],
  hash: 'x',
};

interface Series {
  readonly labels: readonly string[];
  readonly value: number;
}

function seriesOf(text: string): ReadonlyMap<string, Series> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value] = /^([a-z_]+)\{(.*)\} (\d+)$/u.exec(line) ?? [];
      return [
        name,
        {
          labels: [...labels.matchAll(/(\w+)=/gu)].map(([, each = '']) => each),
          value: Number(value),
        },
      ];
    }),
  );
}

const rotated = seriesOf(
  metricsOf('prod', ['binance_api_key'], { kept: [] }, { entries: [entry], heads: [] }),
);
const empty = readLedger('');
assert.ok('entries' in empty);
const never = seriesOf(metricsOf('prod', ['binance_api_key'], { kept: [] }, empty));

/** Series of the node exporter's textfile collector (its README, "Textfile Collector"). */
const collector = { node_textfile_mtime_seconds: { labels: ['file'], value: now } };

/** Whether a rule holds at a time, for the one series of each metric that was printed. */
function holds(rule: Rule | undefined, series: ReadonlyMap<string, Series>, time: number): boolean {
  const all = new Map([...series, ...Object.entries(collector)]);
  const expression = (rule?.expr ?? '')
    .replaceAll(/\{[^}]*\}/gu, '')
    .replaceAll(/absent\(([a-z_]+)\)/gu, (_whole, name: string) => (all.has(name) ? '0' : '1'))
    .replaceAll('time()', String(time))
    .replaceAll(/\band\b/gu, '&&')
    .replaceAll(/[a-z][a-z_]+/gu, (name) => {
      const found = all.get(name);
      assert.ok(found !== undefined, `${rule?.alert}: ${name} is printed by nobody`);
      return String(found.value);
    });
  assert.match(expression, /^[\d\s.<>=&*-]+$/u);
  return Boolean(new Script(expression).runInNewContext({}));
}

const ruleOf = (alert: string): Rule | undefined => rules.find((rule) => rule.alert === alert);
const due = now + 90 * daySeconds;

describe('the alarms about secrets', () => {
  it('are in the form that Prometheus loads', () => {
    assert.deepEqual(
      groups.map(({ name }) => name),
      ['hummingbot-secrets'],
    );
    for (const rule of rules) {
      assert.deepEqual(Object.keys(rule), ['alert', 'expr', 'for', 'labels', 'annotations']);
      assert.match(rule.alert, /^[A-Z][A-Za-z]+$/);
      assert.match(rule.for, /^\d+[mh]$/);
      assert.match(rule.labels.severity ?? '', /^(?:info|warning|critical)$/);
      assert.deepEqual(Object.keys(rule.annotations), ['summary', 'action']);
    }
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  });

  it('name metrics that are printed, and every metric but the age itself has one', () => {
    const named = rules.flatMap(({ expr }) => expr.match(/hummingbot_[a-z_]+/gu) ?? []);
    const printed = [...rotated.keys()];
    assert.deepEqual(
      [...new Set(named)].filter((name) => !printed.includes(name)),
      [],
    );
    assert.deepEqual(
      printed.filter((name) => !named.includes(name)),
      ['hummingbot_secret_rotated_timestamp_seconds'],
    );
  });

  it('speak only of labels that their series have', () => {
    for (const { alert, expr, annotations } of rules) {
      const [name = ''] = expr.match(/(?:hummingbot|node)_[a-z_]+/u) ?? [];
      const has = expr.startsWith('absent(')
        ? []
        : (new Map([...rotated, ...Object.entries(collector)]).get(name)?.labels ?? []);
      const used = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/gu),
      ];
      for (const [, label = ''] of used) assert.ok(has.includes(label), `${alert}: ${label}`);
    }
  });

  const cases: readonly (readonly [string, ReadonlyMap<string, Series>, number, boolean])[] = [
    ['HummingbotSecretDueSoon', rotated, due - 15 * daySeconds, false],
    ['HummingbotSecretDueSoon', rotated, due - 13 * daySeconds, true],
    ['HummingbotSecretDueSoon', rotated, due + 1, false],
    ['HummingbotSecretDueSoon', never, now, false],
    ['HummingbotSecretOverdue', rotated, due - 1, false],
    ['HummingbotSecretOverdue', rotated, due, true],
    ['HummingbotSecretOverdue', never, now, true],
    ['HummingbotRevocationOpen', rotated, now, true],
    ['HummingbotRevocationOpen', never, now, false],
    ['HummingbotRotationUnfinished', rotated, now, false],
    [
      'HummingbotRotationUnfinished',
      seriesOf('hummingbot_rotation_unfinished{stack="x"} 1'),
      now,
      true,
    ],
    ['HummingbotAgesMissing', rotated, now, false],
    ['HummingbotAgesMissing', new Map(), now, true],
    ['HummingbotAgesStale', rotated, now + daySeconds, false],
    ['HummingbotAgesStale', rotated, now + 3 * daySeconds, true],
  ];
  for (const [alert, series, time, expected] of cases) {
    it(`${alert} ${expected ? 'sounds' : 'is quiet'}: ${((time - now) / daySeconds).toFixed(0)} days later`, () => {
      assert.equal(holds(ruleOf(alert), series, time), expected);
    });
  }

  it('are each tried on both sides', () => {
    for (const { alert } of rules) {
      const sides = cases.filter(([name]) => name === alert).map(([, , , side]) => side);
      assert.deepEqual([...new Set(sides)].sort(), [false, true], alert);
    }
  });
});
