import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { inventoryOf, type Secret, summaryOf } from '../../../operations/inventory/inventory.ts';
import { page } from '../../../operations/inventory/page.ts';
import { parseRequest, usage } from '../../../operations/inventory/request.ts';
import { printed } from '../../../operations/inventory/table.ts';
import { csv, json, markdown } from '../../../operations/inventory/text-forms.ts';
import { keyFacts } from '../doctor/case.ts';
import { census, granted, ledger, now, sample } from './case.ts';

function secret(key: string): Secret {
  const found = sample.secrets.find((each) => each.key === key);
  assert.ok(found);
  return found;
}

const nasty = {
  ...secret('trading.kraken_api_key'),
  owner: '=cmd|x!A1',
  consumers: ['a|b', '<b>*x*'],
};
const odd = { ...sample, secrets: [nasty] };

describe('an inventory', () => {
  it('says who owns a secret, where it is, how old and due it is, and who may read it', () => {
    assert.deepEqual(secret('trading.kraken_api_key'), {
      key: 'trading.kraken_api_key',
      group: 'trading',
      owner: 'trading-desk',
      source: 'config',
      set: 'own value',
      tag: 'tagfaaaaaa',
      consumers: ['hummingbot'],
      targets: ['compose', 'env-file'],
      seen: ['compose', 'env-file'].map((target) => ({
        target,
        place: `out/${target}/kraken_api_key`,
        tag: 'aaaaaaaaaa',
        since: '2026-11-01T00:00:00.000Z',
      })),
      ageDays: 26,
      maxAgeDays: 90,
      rotated: '2026-11-20T00:00:00.000Z',
      due: '2027-02-18',
      status: 'in time',
      readers: [{ who: 'user bot', by: 'mode 0400', live: true }],
    });
  });

  for (const [key, status] of [
    ['trading.binance_api_key', 'overdue'],
    ['trading.kucoin_api_key', 'due soon'],
    ['trading.kraken_api_key', 'in time'],
    ['monitoring.slack_webhook_url', 'unrecorded'],
    ['trading.coinbase_passphrase', 'not set'],
  ] as const) {
    it(`calls ${key} ${status}`, () => assert.equal(secret(key).status, status));
  }

  it('calls overdue what a place has had for too long, whatever nobody wrote down', () => {
    const sightings = census.sightings.map((each) => ({ ...each, since: '2026-01-01T00:00:00Z' }));
    const { secrets } = inventoryOf({ ...census, sightings }, ledger(), now);
    const old = secrets.find(({ key }) => key === 'monitoring.slack_webhook_url');
    assert.deepEqual([old?.status, old?.due, old?.ageDays], ['overdue', '2026-06-30', 330]);
  });

  it('takes the age from the oldest place that has the tag', () => {
    const [one, other] = census.sightings;
    assert.ok(one && other);
    const sightings = [
      { ...one, since: '2026-10-01T00:00:00Z', tag: undefined },
      { ...other, since: '2026-11-17T12:00:00Z' },
    ];
    const { secrets } = inventoryOf({ ...census, sightings }, ledger(), now);
    assert.equal(secrets[0]?.ageDays, 10);
  });

  it('knows no consumer of what nobody reads, and one of the keystore’s password', () => {
    assert.deepEqual(secret('trading.coinbase_passphrase').consumers, []);
    assert.deepEqual(secret('trading.keystore_password').consumers, ['hummingbot']);
  });

  it('goes by the store where somebody else writes', () => {
    const keys = [keyFacts('kraken_api_key', 'external')];
    const sightings = census.sightings.map((each) => ({ ...each, tag: undefined }));
    const { secrets } = inventoryOf({ ...census, keys, tags: new Map(), sightings }, ledger(), now);
    const [{ source, tag, ageDays, status } = secret('')] = secrets;
    assert.deepEqual(
      { source, tag, ageDays, status },
      {
        source: 'external',
        tag: null,
        ageDays: 26,
        status: 'in time',
      },
    );
  });

  it('is summed up in one line', () => {
    assert.equal(
      summaryOf(sample),
      '24 secrets, 2 overdue, 3 due soon, 16 without a recorded rotation, 1 not set, 1 without a known consumer',
    );
  });
});

describe('the forms of an inventory', () => {
  it('fits 80 columns, and has each secret', () => {
    const text = printed(sample, 80);
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
    for (const { key } of sample.secrets) assert.ok(text.includes(key.split('.')[1] ?? ''), key);
    assert.match(text, /^binance_api_key +overdue +trading-desk +tagaaaaaaa +26 +2026-08-30$/m);
    assert.match(text, /^ {2}no known consumer: coinbase_passphrase$/m);
  });

  it('has all in a row of a wide terminal', () => {
    const text = printed(sample, 200);
    assert.match(
      text,
      /^trading\.binance_api_key +overdue +trading-desk +config +compose, env-file +hummingbot +tagaaaaaaa +26 +2026-06-01 +2026-08-30$/m,
    );
  });

  it('names what could not be asked, in each form', () => {
    const unasked = [{ target: 'x', what: 'Vault y', got: 'no answer', fix: 'unseal it' }];
    const silent = { ...sample, unasked };
    assert.match(
      printed(silent, 80),
      /^ {2}Vault y: got no answer; allowed: an answer; fix: unseal it$/m,
    );
    assert.match(markdown(silent), /^- Vault y: got no answer; fix: unseal it$/m);
    assert.deepEqual(JSON.parse(json(silent)).unasked, unasked);
  });

  it('marks in every form who may read by the settings alone, and says who asks the systems', () => {
    const mark = /role reader \(policy reader, by the settings\)/;
    const note =
      'by the settings: what the stack grants, not what a system says; npm run access -- --stack prod asks the systems.';
    for (const form of [(each: typeof sample) => printed(each, 400), markdown, page]) {
      assert.match(form(granted), mark);
      assert.ok(form(granted).includes(note), form.name);
      assert.ok(!form(sample).includes('by the settings'), form.name);
    }
    assert.match(csv(granted), mark);
    const { readers } = JSON.parse(json(granted)).secrets[0];
    assert.deepEqual(
      readers.map(({ who, live }: { who: string; live: boolean }) => [who, live]),
      [
        ['user bot', true],
        ['role reader', false],
      ],
    );
  });

  it('is a table in Markdown, whatever a name holds', () => {
    const lines = markdown(odd)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    assert.equal(lines.length, 3);
    const cells = lines.map((line) => line.replaceAll('\\|', '').split('|').length);
    assert.deepEqual(new Set(cells).size, 1);
    assert.ok(lines[2]?.includes('a\\|b, &lt;b>\\*x\\*'), lines[2]);
  });

  it('has no formula in CSV', () => {
    assert.match(csv(odd), /,'=cmd\|x!A1,/);
    for (const sign of ['=', '+', '-1', '@', '\t', '\r', '|', '%']) {
      const text = csv({ ...odd, secrets: [{ ...nasty, owner: `${sign}x` }] });
      assert.ok(text.includes(`'${sign}x`), JSON.stringify(sign));
    }
    const quotes = csv({ ...odd, secrets: [{ ...nasty, owner: 'a"b\nc' }] });
    assert.ok(quotes.includes('"a""b\nc"'));
    assert.equal(csv(sample).trimEnd().split('\r\n').length, 25);
  });

  it('keeps its documented schema in JSON', () => {
    const schema = JSON.parse(readFileSync('docs/inventory.schema.json', 'utf8')) as object;
    const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
    const document = JSON.parse(json(sample)) as { secrets: object[] };
    assert.ok(validate(document), JSON.stringify(validate.errors));
    document.secrets[0] = { ...document.secrets[0], value: 'x' };
    assert.equal(validate(document), false, 'the control');
  });

  it('is the same twice but for its time', () => {
    const later = inventoryOf(census, ledger(), new Date(+now + 60_000));
    for (const form of [json, csv, markdown, (each: typeof sample) => printed(each, 80)]) {
      const [one, other] = [form(sample), form(later)];
      assert.notEqual(one, other);
      assert.equal(one, other.replaceAll(later.at, sample.at));
    }
  });
});

describe('the words of npm run inventory', () => {
  it('are a stack, a format and a file, whose ending names the format', () => {
    assert.deepEqual(parseRequest([]), { stack: 'dev', format: 'table', out: undefined });
    const prod = parseRequest(['-s', 'prod', '--out', 'a/b.html']);
    assert.deepEqual(prod, { stack: 'prod', format: 'html', out: 'a/b.html' });
    assert.equal(parseRequest(['--out', 'x.md']).format, 'markdown');
    assert.equal(parseRequest(['--out', 'x.md', '--format', 'csv']).format, 'csv');
    assert.equal(parseRequest(['--out', 'x']).format, 'table');
  });

  for (const [words, got, fix] of [
    [
      ['prod'],
      'an unknown option or word, or an option without its word',
      'put -- before the flags, and see docs/inventory.md',
    ],
    [
      ['--stack'],
      'an unknown option or word, or an option without its word',
      'put -- before the flags, and see docs/inventory.md',
    ],
    [['--format', 'htm'], '--format "htm"', '--format html'],
    [['--out='], 'no file behind --out', '--out inventory.html'],
  ] as const) {
    it(`are refused in one line: ${words.join(' ')}`, () => {
      const message = `inventory: got ${got}; allowed: ${usage}; fix: ${fix}`;
      assert.throws(() => parseRequest(words), { message });
    });
  }
});
