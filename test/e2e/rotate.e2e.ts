/**
 * `npm run rotate` through the real npm and engine, on stack dev: both file targets, a Docker that only
 * writes down what it is asked, a kill, a failure, and the ways out of both.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Entry, readLedger } from '../../operations/rotation/ledger.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, listFiles, type Result } from './checkout.ts';
import { Issuers } from './issuers.ts';
import { ProcessWatch } from './process-watch.ts';
import type { Pair } from './rotation-rules.ts';
import { killDuring } from './victims.ts';

const apiFile = 'out/dev/secrets/trading/binance_api_key';
const secretFile = 'out/dev/secrets/trading/binance_secret_key';
const redisFile = 'out/dev/secrets/database/redis_password';
const journal = '.local/rotations/dev.json';
const ledger = 'ledger/dev.jsonl';
const stackFile = '.local/stacks/Pulumi.dev.yaml';

describe('npm run rotate', () => {
  const checkout = new Checkout();
  const canaries = new Map<string, string>();
  const tools = join(checkout.temporary, 'tools');
  const docker = {
    asked: join(tools, 'asked'),
    running: join(tools, 'running'),
    broken: join(tools, 'broken'),
    /** What \`ps\` says of a bot that was started again. */
    started: join(tools, 'started'),
  };
  const issuers = new Issuers();
  let env: NodeJS.ProcessEnv = {};

  before(async () => {
    env = {
      PATH: [tools, process.env.PATH].join(delimiter),
      ...(await issuers.start()),
    };
    mkdirSync(tools);
    const script = `#!/bin/sh
echo "$*" >> '${docker.asked}'
case " $* " in
*" ps "*) [ ! -e '${docker.running}' ] || cat '${docker.running}' ;;
*" stop "*) rm '${docker.running}' ;;
*" up "*) [ ! -e '${docker.broken}' ] || { rm '${docker.broken}'; exit 1; }
  [ ! -e '${docker.started}' ] || cp '${docker.started}' '${docker.running}' ;;
esac
`;
    writeFileSync(join(tools, 'docker'), script);
    chmodSync(join(tools, 'docker'), 0o755);
    const { code, stderr } = await checkout.npmStart();
    assert.equal(code, 0, stderr);
  });
  after(() => {
    issuers.stop();
    checkout.remove();
  });

  function makePair(name: string): Pair {
    const pair = { api: makeCanary(`${name}-api`), secret: makeCanary(`${name}-secret`) };
    canaries.set(`${name} api`, pair.api).set(`${name} secret`, pair.secret);
    return pair;
  }
  function texts({ api, secret }: Pair): string {
    return `BINANCE_API_KEY=${api}\nBINANCE_SECRET_KEY=${secret}\n`;
  }
  async function rotate(input: string, ...words: string[]): Promise<Result> {
    const args = ['run', '--silent', 'rotate', '--', ...words];
    return await checkout.run('npm', args, { env, input });
  }
  function assertDelivered({ api, secret }: Pair): void {
    assert.equal(checkout.read(apiFile), api);
    assert.equal(checkout.read(secretFile), secret);
    assert.ok(checkout.read('out/dev/.env.secrets').includes(`BINANCE_API_KEY='${api}'`));
  }
  function entries(): readonly Entry[] {
    const read = readLedger(checkout.read(ledger));
    assert.ok('entries' in read, 'the chain is broken');
    return read.entries;
  }
  const idsOf = (entry: Entry | undefined): readonly string[] =>
    entry?.open.map(({ id }) => id) ?? [];
  const one = makePair('one');
  const two = makePair('two');

  it('plans, and changes nothing', async () => {
    const { code, stdout } = await rotate('', '--plan', 'trading.binance');
    assert.equal(code, 0);
    assert.match(stdout, /^1 of 6 {2}scope$/mu);
    assert.match(stdout, /trading\.binance_secret_key: you give it; used by hummingbot; owner/u);
    assert.match(stdout, /delivered to compose, env-file of stack dev; the bot restarts once$/mu);
    assert.equal(checkout.gitStatus(), '');
    assert.ok(!existsSync(checkout.path(journal)));
  });

  it('takes both halves by one paste at the terminal, which shows nothing of them, to every target', async () => {
    const command = 'npm run --silent rotate -- trading.binance; echo code $?';
    const child = checkout.start('script', ['-qec', command, '/dev/null'], env);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const before = said;
      said += chunk;
      if (!before.includes('not shown') && said.includes('not shown')) {
        child.stdin?.write(`${one.api}\r${one.secret}\r`);
      }
    });
    await new Promise((settle) => child.on('close', settle));
    checkout.printed.push(said);
    assert.match(said, /code 0/u);
    const steps = [...said.matchAll(/^\d of 6 {2}(.*?)\r?$/gmu)].map(([, step]) => step);
    assert.deepEqual(steps, ['scope', 'new value', 'check', 'roll out', 'revoke', 'record']);
    assertDelivered(one);
    assert.equal(issuers.asked, 1);
    // A placeholder is nobody's credential.
    assert.deepEqual(entries()[0]?.open, []);
    assert.equal(checkout.gitStatus(), '?? ledger/\n');
    assert.ok(!readFileSync(docker.asked, 'utf8').includes(' up '));
  });

  it('refuses bad input in one line, and nothing is changed', async () => {
    const before = [stackFile, journal, ledger, apiFile].map((path) => checkout.read(path));
    const loose = join(checkout.temporary, 'loose');
    writeFileSync(loose, texts(two), { mode: 0o644 });
    const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['', ['trading.binance'], /^standard input: got nothing; /u],
      [texts(one), ['trading.binance'], /^trading\.binance_api_key: got the old value/u],
      ['no token', ['monitoring.telegram_token'], /got another shape \(8 characters\)/u],
      ['', ['trading.binance', '--from-file', loose], /got mode 0644; /u],
      ['', ['--back', 'trading.binance'], /got no old value to go back to/u],
    ];
    for (const [input, words, line] of cases) {
      const { code, stderr } = await rotate(input, ...words);
      assert.equal(code, 1, words.join(' '));
      // The same mistake of both halves is a line each.
      for (const each of stderr.trim().split('\n')) {
        assert.match(each, /^[^\n]+: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/u);
      }
      assert.match(stderr, line);
    }
    const after = [stackFile, journal, ledger, apiFile].map((path) => checkout.read(path));
    assert.deepEqual(after.slice(0, 1), before.slice(0, 1));
    assert.deepEqual(after.slice(2), before.slice(2));
    assert.deepEqual(JSON.parse(after[1] ?? ''), { kept: [] });
  });

  it('refuses the value that another environment has', async () => {
    const phrase = makeCanary('phrase').slice(-32);
    canaries.set('phrase', phrase);
    await checkout.setSecret('trading.kucoin_passphrase', phrase, 'staging');
    const { code, stderr } = await rotate(phrase, 'trading.kucoin_passphrase');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^trading\.kucoin_passphrase: got the same value as stack staging has; /mu,
    );
  });

  it('keeps a new value that its issuer does not take, and moves nothing', async () => {
    issuers.status = 401;
    const { code, stderr } = await rotate(texts(two), 'trading.binance');
    assert.equal(code, 1);
    assert.match(stderr, /^trading\.binance: got a refusal of api\.binance\.com \(HTTP 401\)/u);
    assertDelivered(one);
  });

  it('takes the old value back when the bot does not start with the new one', async () => {
    const file = checkout.path('out/dev/compose.env.yaml');
    const labels = `com.docker.compose.project.config_files=${file}`;
    writeFileSync(docker.running, JSON.stringify({ State: 'running', Labels: labels }));
    writeFileSync(docker.broken, '');
    const watch = new ProcessWatch();
    const { code, stderr } = await rotate('', '--resume', '--skip-check');
    await watch.stop();
    assert.equal(code, 1);
    assert.ok(watch.samples > 5);
    const seen = [...watch.arguments, ...watch.environments].join('\n');
    assert.deepEqual(leaks(seen, canaries), []);
    assert.match(stderr, /the old value is back in every place; the new one is kept: .*--resume/u);
    assertDelivered(one);
    const ups = readFileSync(docker.asked, 'utf8')
      .split('\n')
      .filter((line) => line.includes(' up '));
    const up =
      'compose --env-file .env.secrets -f compose.env.yaml up -d --wait --wait-timeout 600';
    assert.deepEqual(ups, [up, up]);
  });

  it('has kept the new value: a resumption needs no paste', async () => {
    const other = await rotate(texts(two), 'trading.kraken');
    assert.equal(other.code, 1);
    assert.match(other.stderr, /got a rotation of trading\.binance_api_key, .* that is not over/u);
    const { code, stdout, stderr } = await rotate('', '--resume');
    assert.equal(code, 0, stderr);
    assertDelivered(two);
    const last = entries().at(-1);
    assert.equal(last?.failures, 1);
    assert.equal(last?.did, 'rotated');
    assert.deepEqual(last?.checks, [{ what: 'trading.binance', result: 'skipped' }]);
    assert.equal(idsOf(last).length, 2);
    for (const id of idsOf(last)) assert.ok(stdout.includes(`--confirm ${id}`), stdout);
    // What it has replaced is not to come back by a slip of the hand.
    const replaced = await rotate(texts(one), 'trading.binance');
    assert.equal(replaced.code, 1);
    assert.equal(
      replaced.stderr.match(/got a value that was replaced and is to be revoked/gu)?.length,
      2,
      replaced.stderr,
    );
  });

  it('goes on behind a kill -9 in the middle of the roll out, with what is generated', async () => {
    const before = checkout.read(redisFile);
    const hook = join(tools, 'check');
    const file = join(tools, 'checked');
    writeFileSync(hook, `#!/bin/sh\ncat; wc -c > '${file}'\n`, { mode: 0o755 });
    const word = `rotation.check["infrastructure.redis"]`;
    const set = ['config', 'set', '--path', word, hook, '--stack', 'dev'];
    assert.equal((await checkout.pulumi(set)).code, 0);
    const args = ['run', '--silent', 'rotate', '--', 'infrastructure.redis'];
    const child = checkout.start('npm', args, env);
    const result = checkout.finish(child);
    const moment = {
      event: 'roll out',
      happened: () => checkout.read(stackFile).includes('redis_password'),
    };
    const command = /^\S*node .*operations\/rotate\.ts/u;
    const killed = await killDuring(child, { victim: 'command', moment, lifetime: 0, command });
    await result;
    assert.ok(killed !== undefined, 'it was over');
    assert.equal(JSON.parse(checkout.read(journal)).current.due, 'roll out');
    const { code, stderr } = await rotate('', '--resume');
    assert.equal(code, 0, stderr);
    const now = checkout.read(redisFile);
    canaries.set('redis before', before).set('redis now', now);
    assert.notEqual(now, before);
    assert.match(now, /^[A-Za-z0-9]{32}$/u);
    const passed = { what: 'infrastructure.redis', result: 'passed', by: hook };
    assert.deepEqual(entries().at(-1)?.checks, [passed]);
    assert.ok(existsSync(file));
  });

  it('goes back as long as nobody has said that the old credential is revoked', async () => {
    const before = canaries.get('redis before');
    const { code, stderr } = await rotate('', '--back', 'infrastructure.redis');
    assert.equal(code, 0, stderr);
    assert.equal(checkout.read(redisFile), before);
    const [away, last] = entries().slice(-2);
    assert.equal(last?.did, 'went back');
    assert.deepEqual(last?.voids, idsOf(away));
    const [done = '', open = ''] = [...idsOf(away), ...idsOf(last)];
    // It is in use again.
    assert.equal((await rotate('', '--confirm', done)).code, 1);
    assert.equal((await rotate('', '--confirm', open)).code, 0);
    const again = await rotate('', '--back', 'infrastructure.redis');
    assert.match(again.stderr, /got no old value to go back to/u);
  });

  const set = async (path: string, value: string): Promise<void> => {
    const words = ['config', 'set', '--path', path, value, '--stack', 'dev'];
    assert.equal((await checkout.pulumi(words)).code, 0);
  };

  it('asks the hook that revokes behind the overlap, and at once without one', async () => {
    const hook = join(tools, 'revoke');
    const heard = join(tools, 'revoked');
    writeFileSync(hook, `#!/bin/sh\ncat; echo asked >> '${heard}'\n`, { mode: 0o755 });
    await set('rotation.revoke["infrastructure.redis"]', hook);
    const first = await rotate('', 'infrastructure.redis');
    assert.equal(first.code, 0, first.stderr);
    const [item] = entries().at(-1)?.open ?? [];
    assert.match(first.stdout, /^ {2}the old infrastructure\.redis_password: not before \d{4}-/mu);
    const ahead = Date.parse(item?.after ?? '') - Date.now();
    assert.ok(ahead > 23 * 3600_000 && ahead < 24 * 3600_000, item?.after);
    const early = await rotate('', '--revoke');
    assert.equal(early.code, 0, early.stderr);
    assert.match(
      early.stdout,
      /^open from \S+ on: revoke the old infrastructure\.redis_password/mu,
    );
    assert.ok(!existsSync(heard), 'the hook was asked within the overlap');
    await set('rotation.overlap', '0');
    const second = await rotate('', 'infrastructure.redis');
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(readFileSync(heard, 'utf8'), 'asked\n');
    assert.deepEqual(entries().at(-1)?.open, []);
    canaries.set('redis at last', checkout.read(redisFile));
    const { stdout } = await checkout.pulumi(['stack', 'output', '--json', '--stack', 'dev']);
    const { tags } = JSON.parse(stdout) as { tags: Record<string, { rotation?: string }> };
    assert.ok(tags.infrastructure?.rotation?.startsWith(`${entries().at(-1)?.rotation} `));
    const again = await checkout.npmStart();
    assert.match(again.stdout, /Resources:\n {4}\d+ unchanged\n/u);
  });

  const due = (): string | undefined => JSON.parse(checkout.read(journal)).current?.due;
  const isStopped = (): boolean => !existsSync(docker.running);
  const three = makePair('three');

  it('refuses a compromised word that means nothing, and stops nothing', async () => {
    // What is compromised has none.
    await set('rotation.overlap', '24h');
    writeFileSync(docker.started, readFileSync(docker.running));
    issuers.status = 200;
    const { code, stderr } = await rotate('', '--compromised', 'trading.binanse');
    assert.equal(code, 1);
    assert.match(stderr, /^rotate: got "trading\.binanse"; [^\n]+trading\.binance\n$/u);
    assert.ok(!isStopped());
    assert.equal(due(), undefined);
  });

  it('stops the bot of a compromised key before it asks for a new one', async () => {
    const { code, stdout, stderr } = await rotate('', '--compromised', 'trading.binance');
    assert.equal(code, 1);
    assert.match(stdout, /^first {3}stop the bot$/mu);
    assert.match(stdout, /^ {2}URGENT: revoke the old trading\.binance where it was made, now/mu);
    assert.match(stderr, /^standard input: got nothing; [^\n]*--stack dev --resume; [^\n]*\n$/mu);
    assert.ok(isStopped());
    assert.equal(due(), 'value');
    const stop = 'compose --env-file .env.secrets -f compose.env.yaml stop hummingbot';
    assert.ok(readFileSync(docker.asked, 'utf8').includes(`\n${stop}\n`));
    assertDelivered(two);
  });

  it('lets nothing start the bot with it but an explicit word', async () => {
    const up = await checkout.npmStart();
    const others = [up, await rotate('', '--abort'), await rotate('', 'infrastructure.redis')];
    for (const { code, stderr } of others) {
      assert.equal(code, 1, stderr);
      assert.match(stderr, /^stack dev: got a (?:compromised|rotation of) [^\n]+--resume, or /mu);
    }
    assert.ok(isStopped());
    assert.equal(due(), 'value');
  });

  it('takes no compromised value back when the roll out fails, and goes on with the new one', async () => {
    writeFileSync(docker.broken, '');
    const failed = await rotate(texts(three), '--resume');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /no bot gets the compromised one: .*--resume/u);
    assert.equal(due(), 'held');
    assert.ok(isStopped());
    assertDelivered(three);
    const { code, stdout, stderr } = await rotate('', '--resume');
    assert.equal(code, 0, stderr);
    assert.ok(!isStopped());
    const last = entries().at(-1);
    assert.deepEqual(last?.compromised, { stopped: ['env-file'] });
    for (const { urgent, after } of last?.open ?? []) {
      assert.deepEqual({ urgent, after }, { urgent: true, after: undefined });
    }
    const lines = stdout
      .split('\n')
      .filter((line) => / (?:URGENT|open): |^(?:URGENT|open): /u.test(line));
    for (const id of idsOf(last)) {
      const line = lines.findIndex((each) => each.endsWith(` --confirm ${id}`));
      assert.ok(line >= 0 && line < idsOf(last).length, lines.join('\n'));
      assert.match(lines[line] ?? '', /^URGENT: revoke the old trading\.binance_\w+ .* now, /u);
    }
    const { stderr: refused } = await rotate('', '--back', 'trading.binance');
    assert.match(refused, /got no old value to go back to/u);
  });

  it('goes on behind a kill -9 right after the stop, or starts the bot again for who says so', async () => {
    const kraken = {
      api: makeCanary('kraken-api'),
      secret: Buffer.from(makeCanary('kraken-secret')).toString('base64'),
    };
    canaries.set('kraken api', kraken.api).set('kraken secret', kraken.secret);
    for (const end of ['--resume', '--abort']) {
      const args = ['run', '--silent', 'rotate', '--', '--compromised', 'trading.kraken'];
      const child = checkout.start('npm', args, env);
      const result = checkout.finish(child);
      const moment = { event: 'stop', happened: isStopped };
      const command = /^\S*node .*operations\/rotate\.ts/u;
      const killed = await killDuring(child, { victim: 'command', moment, lifetime: 0, command });
      await result;
      assert.ok(killed !== undefined, 'it was over');
      assert.ok(['stop', 'value'].includes(due() ?? ''), due());
      const input = `KRAKEN_API_KEY=${kraken.api}\nKRAKEN_SECRET_KEY=${kraken.secret}\n`;
      const words = end === '--abort' ? ['--abort', '--start-bot'] : [end];
      const { code, stderr } = await rotate(input, ...words);
      assert.equal(code, 0, stderr);
      assert.ok(!isStopped());
      assert.equal(due(), undefined);
      assert.equal(entries().at(-1)?.did, end === '--abort' ? 'aborted' : 'rotated');
      assert.equal(checkout.read('out/dev/secrets/trading/kraken_api_key'), kraken.api);
    }
  });

  it('finds a line of the ledger that was changed, and stops there', async () => {
    const text = checkout.read(ledger);
    writeFileSync(checkout.path(ledger), text.replace('"did":"rotated"', '"did":"aborted"'));
    const { code, stderr } = await rotate('', 'infrastructure.redis');
    assert.equal(code, 1);
    assert.match(stderr, /^ledger\/dev\.jsonl line 1: got an entry that was changed; /u);
    writeFileSync(checkout.path(ledger), text);
  });

  it('leaves nothing behind, and no value anywhere but where it is delivered', () => {
    rmSync(join(checkout.temporary, 'loose'));
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
    assert.deepEqual(listFiles(checkout.path('.local/rotations')), ['dev.json']);
    const files = ['.local', 'ledger'].flatMap((folder) =>
      listFiles(checkout.path(folder)).map((path) => checkout.path(join(folder, path))),
    );
    for (const path of [...files, docker.asked]) {
      assert.deepEqual(leaks(readFileSync(path), canaries), [], path);
    }
    // The search would find one.
    assert.notDeepEqual(leaks(checkout.read(apiFile), canaries), []);
  });
});
