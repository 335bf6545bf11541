import assert from 'node:assert/strict';
import { entryOf, type SecretKey } from '../../../components/catalog.ts';
import type { Ran } from '../../../operations/doctor/container.ts';
import type { KeyFacts } from '../../../operations/doctor/facts.ts';
import { askTask, lookAtSwarm, type SwarmPlace } from '../../../operations/doctor/swarm.ts';
import { leaks, makeCanary } from '../../canary.ts';

const canary = makeCanary('swarm');
const place: SwarmPlace = {
  target: 'x',
  stack: 'prod',
  host: 'unix:///d',
  service: 'hummingbot-prod',
  tags: { trading: 'aaaaaaaaaa' },
  values: [canary],
};

function facts(key: SecretKey, set: KeyFacts['set'] = 'own value'): KeyFacts {
  return { key, entry: entryOf(key), set };
}

function secret(name: string, tag: string): object {
  const Labels = { 'hummingbot-secrets.stack': 'prod', 'hummingbot-secrets.tag': tag };
  return { Spec: { Name: name, Labels } };
}

describe('what the doctor sees of a swarm', () => {
  it('is a secret a key, with the tag that was delivered', async () => {
    const asked: string[] = [];
    const api = {
      list: async (path: string, { query = {} } = {} as { query?: Record<string, string> }) => {
        asked.push(`${path} ${query.filters}`);
        return [
          secret('kraken_api_key-00000001', 'aaaaaaaaaa'),
          secret('kraken_api_key-00000000', 'bbbbbbbbbb'),
          secret('kraken_secret_key-00000000', 'bbbbbbbbbb'),
        ];
      },
    };
    const keys = [
      facts('kraken_api_key'),
      facts('kraken_secret_key'),
      facts('binance_api_key'),
      facts('coinbase_passphrase', 'left out'),
    ];
    const { arrivals, findings } = await lookAtSwarm(api, place, keys);
    assert.deepEqual(asked, ['/secrets {"label":["hummingbot-secrets.stack=prod"]}']);
    assert.deepEqual(
      [...arrivals],
      [
        ['kraken_api_key', 'yes'],
        ['kraken_secret_key', 'another tag'],
        ['binance_api_key', 'no'],
      ],
    );
    assert.deepEqual(
      findings.map(({ got }) => got),
      ['no secret with the delivered tag of kraken_secret_key, binance_api_key'],
    );
  });

  const report = JSON.stringify({
    hummingbot: 'dev-2.18.0',
    materialised: { kraken: ['kraken_api_key'] },
    read: { kraken: ['kraken_api_key'] },
    trading: null,
    at: '2026-11-27T00:00:00Z',
  });

  /** Answers by the verb. */
  function run(answers: Readonly<Record<string, Partial<Ran>>>) {
    return (_program: string, args: readonly string[]): Ran => ({
      code: 0,
      stdout: '',
      stderr: '',
      ...answers[args[2] ?? ''],
    });
  }

  it('is the report of the task that runs, and whether its tags are those of now', () => {
    const labels = (tag: string) => JSON.stringify({ 'hummingbot-secrets.trading-tag': tag });
    const answers = (tag: string) => ({
      ps: { stdout: 'c1\n' },
      inspect: { stdout: labels(tag) },
      exec: { stdout: report },
    });
    const now = askTask(run(answers('aaaaaaaaaa')), place);
    assert.deepEqual([now.report?.read, now.findings], [['kraken_api_key'], []]);
    const old = askTask(run(answers('bbbbbbbbbb')), place);
    assert.match(old.findings[0]?.got ?? '', /from before the last change of trading/u);
  });

  it('is a finding when no task runs, and a report with a value in it is none', () => {
    assert.match(askTask(run({}), place).findings[0]?.got ?? '', /no task that runs on this host/u);
    const none = askTask(run({ ps: { code: 1 } }), place);
    assert.match(none.findings[0]?.got ?? '', /nobody who could be asked/u);
    const leaky = run({ ps: { stdout: 'c1' }, exec: { stdout: report.replace('dev', canary) } });
    const found = askTask(leaky, place);
    assert.equal(found.report, undefined);
    assert.deepEqual(leaks(JSON.stringify(found), new Map([['value', canary]])), []);
  });
});
