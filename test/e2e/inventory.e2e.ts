/** `npm run inventory` and `npm run drift` on a dev checkout: the real engine and the real files. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { entryOf } from '../../components/catalog.ts';
import type { Drift } from '../../operations/census/facts.ts';
import type { Inventory } from '../../operations/inventory/inventory.ts';
import { lookAlike } from '../../rehearsal/look-alikes.ts';
import { leaks, makeCanary } from '../canary.ts';
import { guideKeys } from '../guide-keys.ts';
import { Checkout, type Result } from './checkout.ts';

const trading = guideKeys.filter((key) => entryOf(key).group === 'trading');

describe('npm run inventory and npm run drift', () => {
  const checkout = new Checkout();
  const values = new Map(trading.map((key) => [key as string, lookAlike(entryOf(key).shape, key)]));
  const planted = new Map(
    ['edited', 'added', 'unknown', 'stale'].map((name) => [name, makeCanary(name)]),
  );
  after(() => checkout.remove());

  let found: readonly Drift[] = [];

  async function npm(...words: readonly string[]): Promise<Result> {
    const [command = '', ...flags] = words;
    return await checkout.run('npm', ['run', '-s', command, '--', ...flags]);
  }

  async function drift(): Promise<{ code: number; clean: boolean; drifts: readonly Drift[] }> {
    const { code, stdout } = await npm('drift', '--format', 'json');
    return { code, ...JSON.parse(stdout) };
  }

  /** When it was asked stands in it, and nothing else of that time. */
  function timeless({ stdout }: Result): string {
    const [at] = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/u.exec(stdout) ?? [];
    assert.ok(at);
    return stdout.replaceAll(at, 'AT');
  }

  it('says of a stack that is not up how it comes up, in one line', async () => {
    const line =
      'stack dev: got one that is not up; allowed: one whose values are delivered; fix: npm start -- --stack dev\n';
    const [one, other] = [await npm('drift'), await npm('inventory')];
    // The first command of a checkout says which plugins it prepares.
    assert.deepEqual([one.code, one.stdout, one.stderr.endsWith(line)], [2, '', true]);
    assert.deepEqual([other.code, other.stdout, other.stderr], [1, '', line]);
  });

  it('finds no drift right after an up', async () => {
    await checkout.import(values);
    assert.equal((await checkout.npmStart()).code, 0);
    const { code, stdout } = await npm('drift');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^No drift: 46 places of compose, env-file looked at\.$/m);
  });

  it('finds each planted drift, with its cause and its fix', async () => {
    const file = (path: string): string => checkout.path(`out/dev/${path}`);
    chmodSync(file('secrets/trading/kraken_api_key'), 0o644);
    writeFileSync(file('secrets/trading/binance_api_key'), planted.get('edited') ?? '');
    appendFileSync(file('.env.secrets'), `ADDED='${planted.get('added')}'\n`);
    rmSync(file('secrets/database/postgres_db'));
    writeFileSync(file('secrets/monitoring/mine'), planted.get('unknown') ?? '');
    writeFileSync(file('secrets/trading/keystore_password'), planted.get('stale') ?? '');
    const { code, clean, drifts } = await drift();
    found = drifts;
    assert.deepEqual([code, clean], [1, false]);
    assert.deepEqual(
      drifts.map(({ kind, place, found: got }) => `${kind} ${place}: ${got}`),
      [
        'missing out/dev/secrets/database/postgres_db: no such file',
        'changed out/dev/.env.secrets: more than that',
        'changed out/dev/secrets/trading/binance_api_key: another value of binance_api_key',
        'changed out/dev/secrets/trading/kraken_api_key: mode 0644',
        'stale out/dev/secrets/trading/keystore_password: a file of a key that the stack does not use',
        'unknown out/dev/secrets/monitoring/mine: a file that the stack does not know',
      ],
    );
    const causes = drifts.map(({ cause }) => cause);
    assert.deepEqual(causes, [
      'somebody deleted it after the last up',
      'somebody added to the file after the last up',
      'somebody edited the file after the last up',
      'somebody loosened it: others may read the values',
      'it was left behind, or put back, after the stack stopped using the key',
      'somebody put it there',
    ]);
    for (const { fix } of drifts)
      assert.match(fix, /^(?:npm start -- --stack dev|rm out\/dev\/\S+, )/);
  });

  it('finds the same drift twice, in the same words and order, but for the time', async () => {
    for (const format of ['json', 'table']) {
      const one = await npm('drift', '--format', format);
      assert.deepEqual([one.code, one.stderr], [1, '']);
      assert.match(one.stdout, /secrets\/monitoring\/mine/u);
      assert.equal(timeless(await npm('drift', '--format', format)), timeless(one));
    }
  });

  it('is clean again when each fix was done', async () => {
    for (const { place, fix } of found) if (fix.startsWith('rm ')) rmSync(checkout.path(place));
    assert.equal((await checkout.npmStart()).code, 0);
    const { code, drifts } = await drift();
    assert.deepEqual([code, drifts], [0, []]);
  });

  const forms = ['table', 'markdown', 'json', 'csv', 'html'] as const;

  it('has every secret in each form, and the same twice but for the time', async () => {
    for (const format of forms) {
      const one = await npm('inventory', '--format', format);
      assert.deepEqual([one.code, one.stderr], [0, '']);
      for (const key of guideKeys) assert.ok(one.stdout.includes(key), `${format} ${key}`);
      if (format !== 'html' && format !== 'csv') continue;
      const other = await npm('inventory', '--format', format);
      assert.equal(timeless(one), timeless(other));
    }
  });

  it('says where each is, who may read it, and that its value was seen there', async () => {
    const { secrets } = JSON.parse(
      (await npm('inventory', '--format', 'json')).stdout,
    ) as Inventory;
    assert.equal(secrets.length, guideKeys.length);
    for (const { key, tag, seen, targets, ageDays, readers, status } of secrets) {
      assert.deepEqual(targets, ['compose', 'env-file']);
      assert.deepEqual(
        seen.map((each) => each.tag),
        [tag, tag],
        key,
      );
      assert.deepEqual([ageDays, status], [0, 'unrecorded']);
      assert.deepEqual(
        readers.map(({ by, live }) => `${by} ${live}`),
        ['mode 0400 true', 'mode 0600 true'],
      );
    }
    const idle = secrets.filter(({ consumers }) => consumers.length === 0).map(({ key }) => key);
    assert.deepEqual(idle, ['trading.coinbase_passphrase']);
  });

  it('writes a file that its owner alone may read, and nothing else', async () => {
    const path = `${checkout.temporary}/inventory.html`;
    const { code, stdout } = await npm('inventory', '--out', path);
    assert.equal(code, 0);
    assert.match(stdout, /inventory\.html: 23 secrets, 23 without a recorded rotation/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(checkout.gitStatus(), '');
  });

  it('refuses wrong words in one line, and has a --help', async () => {
    for (const [words, line] of [
      [
        ['inventory', '--nope'],
        /^inventory: got an unknown option .*; fix: .*docs\/inventory\.md$/,
      ],
      [['inventory', '--format', 'htm'], /^inventory: got --format "htm"; .*; fix: --format html$/],
      [
        ['inventory', '--out', `${checkout.temporary}/none/x.csv`],
        /none\/x\.csv\S*: got ENOENT from the file system; /,
      ],
      [['inventory', '--stack', 'nope'], /^stack nope: got no Pulumi\.nope\.yaml; allowed: /],
      [['drift', 'prod'], /^drift: got an unknown option or word; .*; fix: .*docs\/drift\.md$/],
    ] as const) {
      const { code, stdout, stderr } = await npm(...words);
      assert.equal(code, words[0] === 'drift' ? 2 : 1);
      assert.deepEqual([stdout, stderr.trimEnd().split('\n').length], ['', 1], stderr);
      assert.match(stderr.trimEnd(), line);
    }
    for (const command of ['inventory', 'drift']) {
      const { code, stdout } = await npm(command, '--help');
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^npm run ${command} -- \\[--stack NAME\\]`));
    }
    assert.equal(existsSync(`${checkout.temporary}/none`), false);
  });

  it('finds values that were set and not delivered', async () => {
    const set = lookAlike('line', 'kraken_api_key');
    values.set('set', set);
    await checkout.setSecret('trading.kraken_api_key', set);
    const { code, drifts } = await drift();
    assert.equal(code, 1);
    assert.deepEqual(
      drifts.map(({ kind, place, cause, fix }) => [kind, place, cause, fix]),
      [
        [
          'stale',
          'stack dev',
          'other values were set after the last up',
          'npm start -- --stack dev',
        ],
      ],
    );
    assert.match(
      drifts[0]?.found ?? '',
      /^still delivered: trading\.kraken_api_key of tag [a-z2-7]{10}$/,
    );
  });

  it('has printed no value in all of this', () => {
    const generated = guideKeys
      .filter((key) => entryOf(key).source === 'generated')
      .map((key): [string, string] => [
        key,
        checkout.read(`out/dev/secrets/${entryOf(key).directory}/${key}`),
      ]);
    const all = new Map([...values, ...planted, ...generated]);
    assert.ok(
      leaks(checkout.read('out/dev/.env.secrets'), all).length >= trading.length,
      'the control',
    );
    assert.deepEqual(leaks(checkout.printed.join('\n'), all), []);
  });
});
