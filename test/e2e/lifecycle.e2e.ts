/** The life of a stack as its user sees it, on the real engine. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { entryOf } from '../../components/catalog.ts';
import { makeCanary } from '../canary.ts';
import { guideKeys } from '../guide-keys.ts';
import { Checkout, type FileFacts } from './checkout.ts';

function changed(
  before: ReadonlyMap<string, FileFacts>,
  after: ReadonlyMap<string, FileFacts>,
): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths]
    .filter((path) => JSON.stringify(before.get(path)) !== JSON.stringify(after.get(path)))
    .sort();
}

describe('the life of dev', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  const value = makeCanary('lifecycle');
  let first: ReadonlyMap<string, FileFacts>;
  let second: ReadonlyMap<string, FileFacts>;

  it('npm start brings it up from nothing: 23 values in place, modes exact', async () => {
    const { code, stdout } = await checkout.npmStart();
    assert.equal(code, 0);
    assert.match(stdout, /Stack dev is up: 23 values\./);
    first = checkout.files('out/dev');
    for (const key of guideKeys) {
      const facts = first.get(`secrets/${entryOf(key).directory}/${key}`);
      assert.equal(facts?.mode, '0400', key);
      assert.ok(facts.content.length > 0 && !facts.content.endsWith('\n'), key);
    }
    assert.equal(first.get('.env.secrets')?.mode, '0600');
    // Two Compose files, the env file; directories of the bot; its programs and what they are told.
    assert.equal(first.size, 23 + 3 + 4 + 3);
    for (const directory of [
      '',
      'secrets',
      'secrets/trading',
      'secrets/database',
      'secrets/gateway',
    ]) {
      assert.equal(statSync(checkout.path(`out/dev/${directory}`)).mode & 0o7777, 0o700);
    }
  });

  it('ends with the three commands that come next', async () => {
    const output = checkout.printed.join('');
    assert.match(output, /cd out\/dev && docker compose up -d/);
    assert.match(
      output,
      /npm run pulumi -- config set --secret --path 'trading\.binance_api_key' --stack dev/,
    );
    assert.match(output, /npm start -- destroy --stack dev/);
  });

  it('leaves git status clean', () => {
    assert.equal(checkout.gitStatus(), '');
    assert.equal(statSync(checkout.path('.local/passphrase')).mode & 0o7777, 0o600);
  });

  it('a second npm start changes nothing and touches no file', async () => {
    const { code, stdout } = await checkout.npmStart();
    assert.equal(code, 0);
    assert.match(stdout, /^Changed: no value$/m);
    assert.match(stdout, /51 unchanged/);
    assert.doesNotMatch(stdout, /\d+ (?:created|updated|replaced|deleted)/);
    assert.deepEqual(changed(first, checkout.files('out/dev')), []);
  });

  it('a preview of a changed key names the key and shows no value', async () => {
    await checkout.setSecret('trading.binance_api_key', value);
    const { code, stdout, stderr } = await checkout.npmStart('preview');
    assert.equal(code, 0);
    const tagLines = stdout
      .split('\n')
      .filter((line) => /"[a-z2-7]{10}" => "[a-z2-7]{10}"/.test(line));
    assert.deepEqual(
      tagLines.map((line) => line.replace(/^[\s~]*(\w+)\s*:.*$/u, '$1')),
      ['group', 'binance_api_key'],
    );
    assert.match(stdout, /File compose-binance_api_key/);
    assert.ok(!`${stdout}${stderr}`.includes(value));
    assert.deepEqual(changed(first, checkout.files('out/dev')), []);
  });

  it('changes exactly its file, the env file and the tag in the Compose files', async () => {
    const { code } = await checkout.npmStart();
    assert.equal(code, 0);
    second = checkout.files('out/dev');
    assert.deepEqual(changed(first, second), [
      '.env.secrets',
      'compose.env.yaml',
      'compose.yaml',
      'secrets/trading/binance_api_key',
    ]);
    assert.equal(second.get('secrets/trading/binance_api_key')?.content, value);
    const lines = (facts: ReadonlyMap<string, FileFacts>, path: string): string[] =>
      (facts.get(path)?.content ?? '').split('\n');
    for (const path of ['compose.yaml', 'compose.env.yaml']) {
      const old = lines(first, path);
      const different = lines(second, path).filter((line, at) => line !== old[at]);
      assert.equal(different.length, 1);
      assert.match(different[0] ?? '', /hummingbot-secrets\.trading-tag: [a-z2-7]{10}/);
    }
    const env = lines(second, '.env.secrets').filter(
      (line, at) => line !== lines(first, '.env.secrets')[at],
    );
    assert.deepEqual(env, [`BINANCE_API_KEY='${value}'`]);
  });

  it('is brought up by two runs at once, one after the other', async () => {
    // Up to four, with kills among them: `npm run soak -- at-once`.
    const up = ['up', '--yes', '--skip-preview', '--stack', 'dev'];
    const both = await Promise.all([checkout.npmStart(), checkout.pulumi(up)]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      both.map(({ stderr }) => stderr).join(),
    );
    assert.ok(both.some(({ stderr }) => /waiting for the run of process \d+/u.test(stderr)));
    assert.deepEqual(changed(second, checkout.files('out/dev')), []);
  });

  it('goes back to the old value, and to its tag', async () => {
    const old = first.get('secrets/trading/binance_api_key')?.content ?? '';
    await checkout.setSecret('trading.binance_api_key', old);
    assert.equal((await checkout.npmStart()).code, 0);
    const back = checkout.files('out/dev');
    assert.equal(back.get('secrets/trading/binance_api_key')?.content, old);
    assert.equal(back.get('compose.yaml')?.content, first.get('compose.yaml')?.content);
    assert.equal(checkout.gitStatus(), '');
  });

  it('heals a deleted file, changed content, a changed mode and a changed directory', async () => {
    const before = checkout.files('out/dev');
    rmSync(checkout.path('out/dev/secrets/trading/kraken_api_key'));
    chmodSync(checkout.path('out/dev/secrets/monitoring/telegram_token'), 0o644);
    rmSync(checkout.path('out/dev/compose.yaml'));
    chmodSync(checkout.path('out/dev/secrets'), 0o755);
    assert.equal((await checkout.npmStart()).code, 0);
    const healed = checkout.files('out/dev');
    for (const [path, { content, mode }] of before) {
      assert.deepEqual([healed.get(path)?.content, healed.get(path)?.mode], [content, mode], path);
    }
    assert.equal(statSync(checkout.path('out/dev/secrets')).mode & 0o7777, 0o700);
  });

  it('takes over what the committed stack file changes later', async () => {
    const file = checkout.path('Pulumi.dev.yaml');
    writeFileSync(
      file,
      checkout.read('Pulumi.dev.yaml').replace('[binance, coinbase, kraken, kucoin]', '[binance]'),
    );
    const { code, stdout, stderr } = await checkout.npmStart();
    assert.equal(code, 0);
    assert.match(stderr, /Pulumi\.dev\.yaml has a new hummingbot-secrets:exchanges; taken over/);
    assert.match(stdout, /Stack dev is up: 15 values/);
    assert.ok(!existsSync(checkout.path('out/dev/secrets/trading/kraken_api_key')));
    assert.ok(existsSync(checkout.path('out/dev/secrets/trading/binance_api_key')));
  });

  it('runs another stack beside it, and keeps the two apart', async () => {
    // On this machine alone: what its own target needs is rehearsed elsewhere.
    const files = ['config', 'set', '--path', 'targets[0]', 'compose', '--stack', 'staging'];
    assert.equal((await checkout.pulumi(files)).code, 0);
    const { code, stderr } = await checkout.run('npm', [
      'run',
      '-s',
      'pulumi',
      '--',
      'preview',
      '--stack',
      'staging',
    ]);
    assert.notEqual(code, 0);
    assert.ok(stderr.length > 0 || checkout.printed.at(-2)?.includes('mistakes'));
    for (const key of guideKeys) {
      const { group, usedWith, source } = entryOf(key);
      if (!['binance', 'kucoin', 'postgres', 'telegram'].includes(usedWith) || source !== 'config')
        continue;
      const shapes: Record<string, string> = {
        telegram_token: `123456789:${makeCanary('staging')}`,
        telegram_chat_id: '-100200300',
      };
      await checkout.setSecret(`${group}.${key}`, shapes[key] ?? makeCanary('staging'), 'staging');
    }
    assert.equal((await checkout.npmStart('--stack', 'staging')).code, 0);
    assert.deepEqual(readdirSync(checkout.path('out')).sort(), ['dev', 'staging']);
    assert.equal((await checkout.npmStart('destroy', '--stack', 'staging')).code, 0);
    assert.deepEqual(readdirSync(checkout.path('out')), ['dev']);
  });

  it('refuses a protected stack with a self-built Pulumi, before anything', async () => {
    const { code, stdout, stderr } = await checkout.npmStart('--stack', 'prod', '--yes');
    assert.notEqual(code, 0);
    const official = /Pulumi \S+ \(from its vendor\)/.test(stderr);
    if (official) assert.match(stdout, /25 mistakes in the settings of stack prod/);
    else assert.match(stderr, /^pulumi: got none of the vendor's.*; allowed: .*; fix: .*$/m);
    assert.ok(!existsSync(checkout.path('out/prod')));
  });

  it("says how to move the bot's own after the output directory has changed", async () => {
    writeFileSync(checkout.path('out/dev/data/trades.sqlite'), 'trades');
    const words = ['config', 'set', 'outputDirectory', 'out/elsewhere', '--stack', 'dev'];
    assert.equal((await checkout.pulumi(words)).code, 0);
    const { code, stdout } = await checkout.npmStart();
    assert.equal(code, 0);
    const line = stdout.trimEnd().split('\n').at(-1) ?? '';
    assert.match(
      line,
      /^- out\/dev still holds data, and the bot starts without them in out\/elsewhere\/dev; stop it, then: cp -a out\/dev\/data out\/elsewhere\/dev\/ && rm -r out\/dev\/data$/,
    );
    const commands = line.split('then: ')[1] ?? '';
    assert.equal((await checkout.run('sh', ['-c', commands])).code, 0);
    assert.equal(checkout.read('out/elsewhere/dev/data/trades.sqlite'), 'trades');
    assert.doesNotMatch((await checkout.npmStart()).stdout, /still holds/);
  });

  it('npm start -- destroy leaves the data of the bot, and says where', async () => {
    const { code, stdout } = await checkout.npmStart('destroy');
    assert.equal(code, 0);
    assert.match(
      stdout.trimEnd().split('\n').at(-1) ?? '',
      /^Nothing is left of what the stack delivered\. data of the bot stay in out\/elsewhere\/dev\/\. State, passphrase/,
    );
    rmSync(checkout.path('out/elsewhere'), { recursive: true });
    const words = ['config', 'rm', 'outputDirectory', '--stack', 'dev'];
    assert.equal((await checkout.pulumi(words)).code, 0);
    assert.equal((await checkout.npmStart()).code, 0);
  });

  it('npm start -- destroy leaves nothing under out/, and says what stays', async () => {
    const { code, stdout } = await checkout.npmStart('destroy');
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(checkout.path('out')), []);
    assert.match(
      stdout.trimEnd().split('\n').at(-1) ?? '',
      /State, passphrase and settings stay in \.local\//,
    );
    assert.ok(existsSync(checkout.path('.local/passphrase')));
  });

  it('comes up again after it was destroyed', async () => {
    assert.equal((await checkout.npmStart()).code, 0);
    assert.ok(existsSync(checkout.path('out/dev/compose.yaml')));
  });
});
