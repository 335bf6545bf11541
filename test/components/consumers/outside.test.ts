/**
 * The program that ends a bot whose keys somebody else has changed, on files of this machine. That a
 * kubelet changes them, and what a bot does then, is test/e2e/outside.e2e.ts's.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentName, keysOf, type SecretKey } from '../../../components/catalog.ts';
import { botSettings, programFiles } from '../../../components/consumers/container.ts';
import { leaks } from '../../canary.ts';
import { canaryValues } from '../../canary-values.ts';
import { ids, runProgram } from '../../program-run.ts';
import { Recorder } from '../../recorder.ts';

const keys = ['kraken_api_key', 'kraken_secret_key', 'keystore_password'] as const;
const often = 0.1;
/** Enough for many looks. */
const many = 800;

/** Says what it is told, and ends by the signal unless it is told to be deaf. */
const driver = `
import json, signal, sys, time
sys.path.insert(0, sys.argv[1])
from outside import Outside
class Report:
    def update(self, **fields): print("report", json.dumps(fields), flush=True)
def hear(_number, _frame):
    print("SIGTERM", flush=True)
    if sys.argv[2] != "deaf": sys.exit(0)
signal.signal(signal.SIGTERM, hear)
Outside(json.load(sys.stdin)).watch(Report())
print("looking", flush=True)
for _ in range(600): time.sleep(0.1)
`;

class Bot {
  readonly folder = mkdtempSync(join(tmpdir(), 'outside-'));
  readonly values: ReadonlyMap<SecretKey, string> = canaryValues();
  told = '';
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> | undefined;

  async start({
    fromOutside = keys as readonly string[],
    ear = 'good',
    lookSeconds = often,
    stopSeconds = 60,
  } = {}): Promise<void> {
    for (const key of keys) this.write(key, this.values.get(key) ?? '');
    const settings = botSettings(keys, undefined, fromOutside) as { outside: object };
    const outside = { ...settings.outside, lookSeconds, stopSeconds };
    const variables = keys.map((key) => [`${environmentName(key)}_FILE`, join(this.folder, key)]);
    const child = spawn('python3', ['-B', '-c', driver, 'components/consumers', ear], {
      env: { PATH: process.env.PATH, ...Object.fromEntries(variables) },
    });
    this.#child = child;
    this.#ended = new Promise((settle) => child.on('close', settle));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.told += chunk.toString();
      });
    }
    child.stdin.end(JSON.stringify({ ...settings, outside }));
    await this.says(/^looking$/mu);
  }

  /** As the kubelet does: whole, or not at all. */
  write(key: string, content: string | Buffer): void {
    const path = join(this.folder, key);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }

  async says(line: RegExp): Promise<void> {
    for (const deadline = Date.now() + 10_000; !line.test(this.told); await sleep(20)) {
      assert.ok(Date.now() < deadline, `${line} in: ${this.told}`);
    }
  }

  async ends(): Promise<number | null> {
    const late = sleep(10_000, 'late', { ref: false });
    const code = await Promise.race([this.#ended, late]);
    assert.notEqual(code, 'late', this.told);
    return code as number | null;
  }

  remove(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}

describe('a bot whose keys somebody else writes', function () {
  this.timeout(30_000);
  let bot: Bot;
  beforeEach(() => {
    bot = new Bot();
  });
  afterEach(() => {
    assert.deepEqual(leaks(bot.told, bot.values), []);
    bot.remove();
  });

  const another = { api: 'AnotherKrakenKey', secret: Buffer.from('another').toString('base64') };

  it('goes on while nothing changes, and when the same is written again', async () => {
    await bot.start();
    for (const key of keys) bot.write(key, bot.values.get(key) ?? '');
    await sleep(many);
    assert.equal(bot.told, 'looking\n');
  });

  it('is told to stop once, by a line that names the keys, when both halves have come', async () => {
    await bot.start();
    bot.write('kraken_api_key', another.api);
    bot.write('kraken_secret_key', another.secret);
    assert.equal(await bot.ends(), 0);
    assert.equal(
      bot.told,
      'looking\noutside: kraken_api_key, kraken_secret_key changed; the bot stops, and starts anew with what is there now\nSIGTERM\n',
    );
    assert.ok(!bot.told.includes(another.api));
  });

  it('waits until what comes has come', async () => {
    await bot.start({ lookSeconds: 0.6 });
    for (let at = 0; at < 40; at += 1) {
      bot.write('kraken_api_key', `${another.api}${at}`);
      await sleep(50);
    }
    assert.equal(bot.told, 'looking\n');
    assert.equal(await bot.ends(), 0);
  });

  it('goes on with what it has when it could not take what has come, and says so once', async () => {
    await bot.start();
    for (const [wrong, got] of [
      ['', 'an empty value'],
      ['a\nb', 'several lines, or a second line feed at the end'],
      [' blank', 'blanks at the start or the end'],
      [Buffer.from([0xff, 0xfe]), 'bytes that are not UTF-8'],
      ['x'.repeat(5000), 'more than 4096 bytes'],
    ] as const) {
      bot.told = '';
      bot.write('kraken_api_key', wrong);
      await bot.says(/^report/mu);
      await sleep(many);
      const line = `kraken_api_key: got ${got} in the file of KRAKEN_API_KEY_FILE; allowed: one line without surrounding blanks; fix: whoever writes it writes it anew, the bot goes on with what it has`;
      assert.equal(bot.told, `${line}\nreport {"outside": "${line}"}\n`);
    }
    bot.told = '';
    bot.write('kraken_api_key', bot.values.get('kraken_api_key') ?? '');
    await bot.says(/^report \{"outside": null\}$/mu);
    bot.write('kraken_api_key', another.api);
    assert.equal(await bot.ends(), 0);
  });

  it('goes on when a file is gone, or its keystore would have too short a password', async () => {
    await bot.start();
    rmSync(join(bot.folder, 'kraken_secret_key'));
    await bot.says(
      /^kraken_secret_key: got one that cannot be read \(No such file or directory\)/mu,
    );
    bot.write('kraken_secret_key', bot.values.get('kraken_secret_key') ?? '');
    await bot.says(/^report \{"outside": null\}$/mu);
    bot.write('keystore_password', 'short');
    await bot.says(/^keystore_password: got /mu);
    assert.doesNotMatch(bot.told, /SIGTERM/u);
  });

  it('is left alone by keys that the stack itself writes', async () => {
    await bot.start({ fromOutside: ['kraken_api_key'] });
    bot.write('kraken_secret_key', another.secret);
    await sleep(many);
    assert.equal(bot.told, 'looking\n');
  });

  it('has its process ended when it does not stop in time', async () => {
    await bot.start({ ear: 'deaf', stopSeconds: 1 });
    bot.write('kraken_api_key', another.api);
    assert.equal(await bot.ends(), 1);
    assert.match(
      bot.told,
      /SIGTERM\noutside: the bot has not stopped within 1 s; its process ends\n$/u,
    );
  });

  describe('gets the program', () => {
    const external = { groups: { trading: { source: 'external' } } };
    const programOf = async (settings: object): Promise<Readonly<Record<string, string>>> => {
      const values = new Map(
        [...canaryValues()].filter(([key]) => !keysOf('trading').includes(key)),
      );
      const run = await runProgram('prod', false, values, new Recorder(), { ...ids, ...settings });
      const { data } = run.recorder.one('kubernetes:core/v1:ConfigMap').inputs;
      return data as Readonly<Record<string, string>>;
    };

    it('where its group is external, told the keys alone', async () => {
      const files = await programOf(external);
      assert.ok('outside.py' in files);
      const { outside } = JSON.parse(files['bot.json'] ?? '');
      assert.equal(outside.keys.length, 9);
      assert.deepEqual([outside.lookSeconds, outside.stopSeconds], [5, 120]);
    });

    it('and not where it is told never, or has them as values', async () => {
      const values = { groups: { trading: { source: 'external', env: 'values' } } };
      for (const settings of [{ ...external, externalWithin: 'never' }, values]) {
        const files = await programOf(settings);
        assert.ok(!('outside.py' in files));
        assert.ok(!('outside' in JSON.parse(files['bot.json'] ?? '')));
      }
    });

    it('and no bot of a stack that writes all itself', () => {
      assert.deepEqual(Object.keys(programFiles(keys)), [
        'materialise.py',
        'launch.py',
        'bot.json',
      ]);
    });
  });
});
