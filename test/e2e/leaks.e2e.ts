/**
 * Canaries in all 23 places, and a search through everything that a run leaves or shows: state,
 * backups, history, exported stack, previews, engine events, logs, standard output and error,
 * temporary files and process arguments.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, gunzipSync } from 'node:zlib';
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { leaks, makeCanary } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { guideKeys } from '../guide-keys.ts';
import { Checkout, listFiles } from './checkout.ts';
import { descendants } from './process-tree.ts';

describe('a value', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  const canaries: ReadonlyMap<SecretKey, string> = canaryValues();
  const changed = new Map(canaries).set('binance_api_key', makeCanary('changed'));
  const both = new Map<string, string>([
    ...canaries,
    ['changed', changed.get('binance_api_key') ?? ''],
  ]);
  /** What was seen while things ran. */
  const seen = {
    arguments: new Set<string>(),
    files: new Set<string>(),
    hits: new Set<string>(),
  };
  let watching = true;
  let samples = 0;
  let watcher: Promise<void>;

  /** Gzipped logs are looked into; encrypted ones are looked at. */
  function textOf(path: string): Buffer {
    const bytes = readFileSync(path);
    return bytes[0] === 0x1f && bytes[1] === 0x8b
      ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
      : bytes;
  }

  function scan(directory: string, skip = /^$/u): readonly string[] {
    return listFiles(directory)
      .filter((path) => !skip.test(path))
      .flatMap((path) =>
        leaks(textOf(join(directory, path)), both).map((hit) => `${path}: ${hit}`),
      );
  }

  before(async () => {
    watcher = (async () => {
      while (watching) {
        for (const { command } of descendants(process.pid)) seen.arguments.add(command);
        for (const directory of [checkout.temporary, checkout.path('.local/pulumi/logs')]) {
          for (const path of listFiles(directory)) {
            try {
              const bytes = textOf(join(directory, path));
              seen.files.add(path.replaceAll(/\d+/gu, 'N'));
              for (const hit of leaks(bytes, both)) seen.hits.add(`${path}: ${hit}`);
            } catch {
              // Ended meanwhile.
            }
          }
        }
        samples += 1;
        await sleep(15);
      }
    })();
    await checkout.import(canaries);
    assert.equal((await checkout.npmStart('preview')).code, 0);
    assert.equal((await checkout.npmStart()).code, 0);
    await checkout.setSecret('trading.binance_api_key', changed.get('binance_api_key') ?? '');
    for (const view of [['--diff'], ['--json'], ['--show-replacement-steps', '--show-reads']]) {
      const { code } = await checkout.pulumi(['preview', ...view, '--stack', 'dev']);
      assert.equal(code, 0);
    }
    const events = ['--event-log', join(checkout.directory, '.local/events.json')];
    const { code } = await checkout.run(
      'npm',
      ['run', '-s', 'pulumi', '--', 'up', '--yes', ...events, '--stack', 'dev'],
      {
        env: { PULUMI_DEBUG_COMMANDS: 'true' },
      },
    );
    assert.equal(code, 0);
    for (const words of [
      ['stack', 'export'],
      ['stack', 'output'],
      ['stack', 'output', '--json'],
      ['stack', 'history'],
      ['config'],
      ['config', '--json'],
      ['refresh', '--yes', '--diff'],
    ]) {
      assert.equal((await checkout.pulumi([...words, '--stack', 'dev'])).code, 0, words.join(' '));
    }
    watching = false;
    await watcher;
  });

  it('is delivered: the search finds every one where it should be (positive control)', () => {
    const delivered = scan(checkout.path('out'));
    for (const key of guideKeys) {
      const name = key === 'binance_api_key' ? 'changed' : key;
      assert.ok(
        delivered.some((hit) => hit.includes(`/${key}: ${name} as plain`)),
        key,
      );
      assert.ok(
        delivered.some((hit) => hit.startsWith(`dev/.env.secrets: ${name} as plain`)),
        key,
      );
    }
  });

  it('is in the state, once it is opened (positive control)', async () => {
    const { stdout } = await checkout.run('npm', [
      'run',
      '-s',
      'pulumi',
      '--',
      'stack',
      'export',
      '--show-secrets',
      '--stack',
      'dev',
    ]);
    checkout.printed.splice(-2);
    const found = leaks(stdout, both);
    for (const key of guideKeys.filter((each) => each !== 'binance_api_key')) {
      assert.ok(
        found.some((hit) => hit.startsWith(`${key} as`)),
        key,
      );
    }
    assert.ok(found.some((hit) => hit.startsWith('changed as')));
  });

  it('is in no state, backup, history, event, stack file or log file', () => {
    const files = listFiles(checkout.path('.local'));
    assert.ok(files.some((path) => path.startsWith('state/.pulumi/stacks/')));
    assert.ok(files.some((path) => path.startsWith('state/.pulumi/history/')));
    assert.ok(files.includes('events.json'));
    assert.deepEqual(scan(checkout.path('.local')), []);
  });

  it('is in nothing that was printed', () => {
    const printed = checkout.printed.join('\n');
    assert.ok(printed.length > 20_000);
    assert.deepEqual(leaks(printed, both), []);
  });

  it('is in no argument of a process, and the search saw the engine and the plugin', () => {
    const commands = [...seen.arguments];
    assert.ok(samples > 50);
    assert.ok(commands.some((command) => /pulumi up /.test(command)));
    assert.ok(commands.some((command) => /plugins\/hummingbot\/main\.ts/.test(command)));
    assert.deepEqual(leaks(commands.join('\n'), both), []);
  });

  it("is in no temporary file and no log file of Pulumi's own, not even while it runs", () => {
    assert.ok(
      [...seen.files].some((path) => /^pulumi-.*up\.log$|^organization\+.*\.log$/.test(path)),
      [...seen.files].join(),
    );
    assert.deepEqual([...seen.hits], []);
    assert.deepEqual(scan(checkout.temporary), []);
  });

  it('is in no file of the checkout but those that deliver it', () => {
    const skip = /^(?:out|\.git|node_modules|\.local)\//u;
    assert.deepEqual(scan(checkout.directory, skip), []);
    assert.deepEqual(scan(checkout.path('.git')), []);
    assert.equal(checkout.gitStatus(), '');
  });

  it('is in no log file that a self-built Pulumi would have left: they are removed', async () => {
    const logs = checkout.path('.local/pulumi/logs');
    const { stderr } = await checkout.npmStart();
    if (stderr.includes('self-built')) assert.deepEqual(listFiles(logs), []);
  });

  it('is not shown by a debug log: the self-built engine would, and is not let', async () => {
    const words = ['preview', '--logtostderr', '-v=9', '--stack', 'dev'];
    const { stdout, stderr } = await checkout.pulumi(words);
    assert.ok(/got -v=9, and the self-built/.test(stderr) || /from its vendor/.test(stderr));
    assert.deepEqual(leaks(`${stdout}${stderr}`, both), []);
  });

  it('is gone after destroy', async () => {
    assert.equal((await checkout.npmStart('destroy')).code, 0);
    assert.deepEqual(scan(checkout.path('out')), []);
    rmSync(checkout.path('.local/stacks'), { recursive: true });
    assert.deepEqual(scan(checkout.directory, /^(?:node_modules)\//u), []);
  });
});

describe('a generated value', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());

  it('is in no debug message and no event log, though the engine masks what config holds alone', async () => {
    const events = checkout.path('.local/events.json');
    const words = ['up', '--yes', '--skip-preview', '--debug', '--event-log', events];
    const { code, stdout, stderr } = await checkout.run(
      'npm',
      ['run', '-s', 'pulumi', '--', ...words],
      { env: { PULUMI_DEBUG_COMMANDS: 'true' } },
    );
    assert.equal(code, 0);
    const generated = new Map(
      guideKeys
        .filter((key) => entryOf(key).source === 'generated')
        .map((key) => [key, checkout.read(`out/dev/secrets/${entryOf(key).directory}/${key}`)]),
    );
    assert.equal(generated.size, 4);
    const text = checkout.read('.local/events.json');
    for (const key of generated.keys()) assert.ok(text.includes(`-${key}`), key);
    for (const where of [text, stdout, stderr]) assert.deepEqual(leaks(where, generated), []);
    // Positive control: the search finds each where it is delivered.
    const found = leaks(checkout.read('out/dev/.env.secrets'), generated);
    for (const key of generated.keys()) assert.ok(found.includes(`${key} as plain`), key);
  });
});
