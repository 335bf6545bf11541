/**
 * Runs index.ts, whole, for every stack under Pulumi's mocks. What mocks cannot prove (real
 * diffs, files, the order of steps, what reaches the state) is proven in test/e2e.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as pulumi from '@pulumi/pulumi';
import { parse } from 'yaml';
import { entryOf, type SecretKey } from '../components/catalog.ts';
import { leaks, makeCanary } from './canary.ts';
import { canaryValues } from './canary-values.ts';
import { guideKeys } from './guide-keys.ts';
import { project, type Run, runProgram, type Stack, stacks } from './program-run.ts';
import { Recorder, secretOf } from './recorder.ts';

const canaries = canaryValues();
const expected: Record<Stack, { values: number; files: number; targets: readonly string[] }> = {
  dev: { values: 23, files: 23, targets: ['compose', 'env-file'] },
  staging: { values: 13, files: 0, targets: ['aws-secrets-manager'] },
  prod: { values: 23, files: 0, targets: ['aws-secrets-manager'] },
};
const composeFiles: Record<Stack, number> = { dev: 2, staging: 0, prod: 0 };

describe('the program', () => {
  for (const stack of stacks) {
    for (const preview of [true, false]) {
      describe(`${preview ? 'previews' : 'brings up'} ${stack}`, () => {
        let run: Run;
        before(async () => {
          run = await runProgram(stack, preview, canaries);
        });

        it('delivers every value in use, each in the place of the guide', () => {
          const files = run.recorder.of('hummingbot:index:File');
          const values = files.filter(({ inputs }) => String(inputs.path).includes('/secrets/'));
          assert.equal(values.length, expected[stack].files);
          for (const { inputs } of values) {
            const [, , directory, key] = String(inputs.path).split('/') as [
              string,
              string,
              string,
              SecretKey,
            ];
            assert.equal(directory, entryOf(key).directory);
            assert.equal(inputs.mode, '0400');
            assert.equal(secretOf(inputs.content), canaries.get(key));
          }
          assert.deepEqual(Object.keys(run.delivered), expected[stack].targets);
        });

        it('registers no value outside of secret marks, in any encoding', () => {
          assert.deepEqual(leaks(run.recorder.public(), canaries), []);
          assert.deepEqual(leaks(JSON.stringify(run.tags), canaries), []);
        });

        it('registers every value inside of them (the search would find it)', () => {
          const everything = JSON.stringify(run.recorder.registrations);
          const found = leaks(everything, canaries);
          const values = Object.values(run.tags).flatMap(({ keys }) => Object.keys(keys));
          assert.equal(values.length, expected[stack].values);
          for (const key of values)
            assert.ok(
              found.some((hit) => hit.startsWith(`${key} as`)),
              key,
            );
        });

        it('writes no value into a Compose file, and the tag of what the bot uses', () => {
          const files = run.recorder
            .of('hummingbot:index:File')
            .filter(({ inputs }) => String(inputs.path).endsWith('.yaml'));
          assert.equal(files.length, composeFiles[stack]);
          for (const { inputs } of files) {
            const text = secretOf(inputs.content);
            assert.deepEqual(leaks(text, canaries), []);
            const { 'hummingbot-secrets.program': program, ...labels } =
              parse(text).services.hummingbot.labels;
            assert.match(program, /^[0-9a-f]{10}$/u);
            assert.deepEqual(labels, {
              'hummingbot-secrets.trading-tag': run.tags.trading?.group,
            });
            assert.equal(parse(text).name, `hummingbot-${stack}`);
          }
        });

        it('registers nothing twice', () => {
          const names = run.recorder.registrations.map(({ type, name }) => `${type} ${name}`);
          assert.equal(new Set(names).size, names.length);
        });
      });
    }
  }

  it('changes one key: its file, the env file, the tag of its group, and nothing else', async () => {
    const before = await runProgram('dev', false, canaries);
    const changed = new Map(canaries).set('binance_api_key', makeCanary('changed'));
    const after = await runProgram('dev', false, changed);
    const contents = (run: typeof before): Map<string, unknown> =>
      new Map(
        run.recorder
          .of('hummingbot:index:File')
          .map(({ inputs }) => [String(inputs.path), secretOf(inputs.content)]),
      );
    const old = contents(before);
    const different = [...contents(after)].filter(([path, text]) => old.get(path) !== text);
    assert.deepEqual(different.map(([path]) => path).sort(), [
      'dev/.env.secrets',
      'dev/compose.env.yaml',
      'dev/compose.yaml',
      'dev/secrets/trading/binance_api_key',
    ]);
    assert.deepEqual(before.tags.monitoring, after.tags.monitoring);
    assert.notEqual(before.tags.trading?.group, after.tags.trading?.group);
    const back = await runProgram('dev', false, canaries);
    assert.deepEqual(back.tags, before.tags);
  });

  it('gives the bot the keys that the catalog gives it, and no other', async () => {
    const { recorder } = await runProgram('dev', false, canaries);
    const file = recorder
      .of('hummingbot:index:File')
      .find(({ inputs }) => inputs.path === 'dev/compose.yaml');
    const { secrets } = parse(secretOf(file?.inputs.content)).services.hummingbot;
    assert.deepEqual(
      secrets.map(({ source }: { source: string }) => source),
      guideKeys.filter((key) => entryOf(key).consumers.includes('hummingbot')),
    );
  });

  it('registers nothing when there is a mistake, and says all of them', async () => {
    const wrong = new Map(canaries)
      .set('coinbase_secret_key', 'no PEM')
      .set('telegram_chat_id', '?');
    const recorder = new Recorder();
    await assert.rejects(
      async () => await runProgram('prod', true, wrong, recorder),
      (error: Error) => {
        assert.ok(pulumi.RunError.isInstance(error));
        assert.match(
          error.message,
          /^2 mistakes in the settings of stack prod; nothing was changed\n/,
        );
        assert.equal(error.message.split('\n').length, 3);
        return true;
      },
    );
    assert.deepEqual(
      recorder.registrations.filter(({ type }) => !type.startsWith('pulumi:')),
      [],
    );
  });

  it('tells its story in at most 60 lines', () => {
    assert.ok(readFileSync('index.ts', 'utf8').trimEnd().split('\n').length <= 60);
  });
});

// Not of the program: the preview of pull requests runs those in a user's repository, whose files are their own.
describe('the stack files', () => {
  it('have the same keys in the same order, all declared', () => {
    const declared = Object.keys(parse(readFileSync('Pulumi.yaml', 'utf8')).config);
    const keys = stacks.map((stack) =>
      Object.keys(parse(readFileSync(`Pulumi.${stack}.yaml`, 'utf8')).config),
    );
    assert.deepEqual(keys[1], keys[0]);
    assert.deepEqual(keys[2], keys[0]);
    for (const key of keys[0] ?? [])
      assert.ok(declared.includes(key.replace(`${project}:`, '')), key);
    for (const stack of stacks) {
      assert.deepEqual(Object.keys(parse(readFileSync(`Pulumi.${stack}.yaml`, 'utf8'))), [
        'config',
      ]);
    }
  });
});
