import assert from 'node:assert/strict';
import { diagnose } from '../../../operations/doctor/diagnosis.ts';
import { type BotFacts, type Facts, problem, warning } from '../../../operations/doctor/facts.ts';
import { allKeys, arrivals, botKeys, healthy, keyFacts } from './case.ts';

const bot = healthy.bot as BotFacts;
const report = bot.report as NonNullable<BotFacts['report']>;
const withReport = (part: Partial<typeof report>): Facts => ({
  ...healthy,
  bot: { ...bot, report: { ...report, ...part } },
});
const rowOf = (facts: Facts, key: string) => diagnose(facts).keys.find((row) => row.key === key);

describe('a diagnosis', () => {
  it('of a stack on which nothing is wrong says so, and whether the bot trades', () => {
    const { healthy: fine, problems, summary } = diagnose(healthy);
    assert.deepEqual([fine, problems], [true, []]);
    assert.equal(
      summary,
      'The bot reads all 9 keys. It is not trading: no strategy is set (setting strategy).',
    );
    assert.equal(
      diagnose(withReport({ trading: 'pmm.yml' })).summary,
      'The bot reads all 9 keys. It is trading pmm.yml.',
    );
  });

  it('has the keys of the bot first, and no answer where the bot has no field', () => {
    const { keys } = diagnose(healthy);
    assert.equal(keys.length, allKeys.length);
    assert.ok(keys.slice(0, 10).every(({ key }) => key.startsWith('trading.')));
    const none = keys.filter(({ read }) => read === undefined).map(({ key }) => key);
    assert.equal(none.length, allKeys.length - 9);
    assert.ok(none.includes('trading.coinbase_passphrase'));
  });

  it('names in one line what was delivered and not materialised, with the restart', () => {
    const late = ['binance_api_key', 'kraken_api_key'] as const;
    const kept = botKeys.filter((key) => !late.some((each) => each === key));
    const { problems, healthy: fine } = diagnose(withReport({ materialised: kept, read: kept }));
    assert.equal(fine, false);
    assert.deepEqual(problems, [
      {
        what: 'bot',
        got: 'binance_api_key, kraken_api_key not materialised',
        allowed: 'all that was delivered',
        fix: 'RESTART',
      },
    ]);
    const row = rowOf(withReport({ materialised: kept, read: kept }), 'trading.binance_api_key');
    assert.deepEqual([row?.materialised, row?.read], [false, false]);
  });

  it('tells that the bot does not take what somebody else has written since', () => {
    const outside = { what: 'kraken_api_key', got: 'several lines', allowed: 'one', fix: 'FIX' };
    const { problems, healthy: fine } = diagnose(withReport({ outside }));
    assert.deepEqual([fine, problems], [false, [outside]]);
  });

  it('tells what was materialised and not read, and a bot that has not logged in', () => {
    const [, ...kept] = botKeys;
    assert.match(
      diagnose(withReport({ read: kept })).problems[0]?.got ?? '',
      /materialised and not read$/,
    );
    assert.equal(diagnose(withReport({ read: undefined })).problems[0]?.got, 'no login yet');
  });

  it('blames the bot for nothing that did not arrive', () => {
    const facts: Facts = {
      ...withReport({ materialised: [], read: [] }),
      deliveries: [{ target: 'files', arrivals: arrivals('no'), findings: [] }],
    };
    assert.deepEqual(diagnose(facts).problems, []);
  });

  it('says of a bot that could not be asked nothing, neither yes nor no', () => {
    const down = problem('bot', 'no container', 'one that runs', 'START');
    const facts: Facts = { ...healthy, bot: { ...bot, report: undefined, findings: [down] } };
    const { summary, bot: asked } = diagnose(facts);
    assert.equal(summary, '1 problem');
    assert.equal(asked.asked, false);
    assert.equal(rowOf(facts, 'trading.kraken_api_key')?.read, null);
  });

  it('takes the silence of a bot for no health', () => {
    for (const silent of [undefined, { ...bot, report: undefined }]) {
      const { healthy: fine, problems } = diagnose({ ...healthy, bot: silent });
      assert.equal(fine, false);
      assert.deepEqual(
        problems.map(({ what, got }) => [what, got]),
        [['bot', 'no word of it']],
      );
    }
  });

  it('misses a strategy that is set and does not run, once the bot has logged in', () => {
    assert.match(
      diagnose({ ...healthy, strategy: 'pmm.yml' }).problems[0]?.got ?? '',
      /no strategy that runs/,
    );
    assert.deepEqual(
      diagnose({ ...withReport({ trading: 'pmm.yml' }), strategy: 'pmm.yml' }).problems,
      [],
    );
  });

  it('counts a warning, and stays healthy', () => {
    const odd = warning('x', 'something', 'usually another', 'fix');
    const { healthy: fine, summary, warnings } = diagnose({ ...healthy, findings: [odd] });
    assert.equal(fine, true);
    assert.equal(warnings.length, 1);
    assert.match(summary, /1 warning\.$/);
  });

  it('says the same thing once, whoever found it', () => {
    const twice = problem('x', 'y', 'z', 'fix');
    assert.equal(diagnose({ ...healthy, findings: [twice, twice] }).summary, '1 problem');
  });

  it('calls what was delivered older, when what is set now cannot be delivered', () => {
    const keys = [keyFacts('binance_api_key', 'malformed')];
    const [row] = diagnose({ ...healthy, keys }).keys;
    assert.equal(row?.delivered.files, 'older value');
  });

  it('of a stack without an exchange does not pretend that a key was read', () => {
    const keys = [keyFacts('postgres_user')];
    assert.match(diagnose({ ...healthy, keys }).summary, /^No exchange is listed/);
  });
});
