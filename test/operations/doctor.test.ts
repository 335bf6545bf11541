/** The command as a whole: its words, and that nothing of a value leaves it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { entryOf, exchangeNames, groupNames, serviceNames } from '../../components/catalog.ts';
import type { FileTarget } from '../../components/delivery/delivery.ts';
import { targetNames, targetOf } from '../../components/delivery/targets.ts';
import { settingsIn } from '../../operations/doctor/config.ts';
import { askContainer } from '../../operations/doctor/container.ts';
import { diagnose } from '../../operations/doctor/diagnosis.ts';
import { withDrift } from '../../operations/doctor/drift.ts';
import type { Facts } from '../../operations/doctor/facts.ts';
import { lookAtFiles } from '../../operations/doctor/files.ts';
import { printed } from '../../operations/doctor/table.ts';
import { judge } from '../../operations/doctor/values.ts';
import { parseRequest } from '../../operations/doctor.ts';
import { parseStackFile } from '../../settings/stack-file.ts';
import { validate } from '../../settings.ts';
import { leaks } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { guideKeysOf } from '../guide-keys.ts';

describe('npm run doctor', () => {
  it('looks at dev when nothing is said, and takes a stack and --json', () => {
    assert.deepEqual({ ...parseRequest([]) }, { stack: 'dev', json: false });
    assert.deepEqual({ ...parseRequest(['--json', '-s', 'prod']) }, { stack: 'prod', json: true });
  });

  for (const words of [['prod'], ['--nope'], ['--stack']]) {
    it(`refuses ${words.join(' ')} in one line`, () => {
      const message =
        'doctor: got an unknown option or word; allowed: npm run doctor -- [--stack NAME] [--json]';
      assert.throws(() => parseRequest(words), { message });
    });
  }

  describe('shows no value', () => {
    const canaries = canaryValues();
    const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
    after(() => rmSync(directory, { recursive: true }));

    /** What `pulumi config` prints; with `wrong`, each value is spoiled in a way of its own. */
    function config(wrong: boolean): string {
      const spoil = [
        (value: string) => `${value}\n`,
        (value: string) => ` ${value}`,
        (value: string) => `${value}\r${value}`,
        (value: string) => value.repeat(80),
        (value: string) => `'${value}$`,
      ];
      let at = 0;
      const map = (group: (typeof groupNames)[number]): object =>
        Object.fromEntries(
          guideKeysOf(group).map((key) => {
            const value = canaries.get(key) ?? '';
            at += 1;
            // Some under a name that does not exist.
            const name = wrong && at % 3 === 0 ? `${key}x` : key;
            return [name, wrong ? spoil[at % spoil.length]?.(value) : value];
          }),
        );
      const settings = {
        environment: 'dev',
        targets: targetNames.filter((name) => targetOf(name).kind === 'files'),
        exchanges: exchangeNames,
        services: serviceNames,
        ...Object.fromEntries(groupNames.map((group) => [group, map(group)])),
      };
      const entries = Object.entries(settings).map(([name, value]) => [
        `hummingbot-secrets:${name}`,
        typeof value === 'string'
          ? { value }
          : { value: JSON.stringify(value), objectValue: value },
      ]);
      const flags = { 'hummingbot-secrets:protect': { value: 'false' } };
      return JSON.stringify({ ...Object.fromEntries(entries), ...flags });
    }

    function examined(
      json: string,
      clear: boolean,
    ): { readonly facts: Facts; readonly found: number } {
      const settings = settingsIn(json);
      const secure = (map: object): object =>
        Object.fromEntries(
          Object.entries(map).map(([key, value]) => [key, clear ? value : { secure: 'v1:x' }]),
        );
      const maps = groupNames.map((group) => [
        `hummingbot-secrets:${group}`,
        secure(settings[group] as object),
      ]);
      // JSON is YAML.
      const text = JSON.stringify({ config: Object.fromEntries(maps) });
      const stackFile = parseStackFile('Pulumi.dev.yaml', text, 'hummingbot-secrets');
      const place = { stack: 'dev', projectDirectory: directory };
      const checked = validate({ ...place, config: settings, stackFile });
      const mistakes = 'mistakes' in checked ? checked.mistakes : [];
      const { keys, findings, expected } = judge('dev', settings, mistakes);
      const deliveries = targetNames
        .filter((name) => targetOf(name).kind === 'files')
        .map((name) =>
          lookAtFiles(
            { target: name, stack: 'dev', shown: 'out/dev', directory },
            targetOf(name) as FileTarget,
            keys,
            expected,
          ),
        )
        .map((each) => withDrift(each, 'key', {}, keys, expected, 'dev'));
      // A container that tells all it knows, in every place that is looked at.
      const all = [...canaries.values()];
      const bot = askContainer(
        (_program, args) => {
          const told = `x: got ${all.join(' ')}; allowed: y; fix: z\n${all.map((each) => `x: got ${each}; allowed: y; fix: z`).join('\n')}`;
          const state = JSON.stringify({ State: all[0], ExitCode: 1 });
          return { code: 1, stdout: args.includes('ps') ? state : told, stderr: all.join(' ') };
        },
        { stack: 'dev', shown: 'out/dev', next: 'docker compose up -d', tags: {}, values: all },
      );
      const facts = { stack: 'dev', keys, findings, deliveries, strategy: undefined, bot };
      return { facts, found: mistakes.length };
    }

    before(() => {
      for (const [key, value] of canaries) {
        const path = join(directory, 'secrets', entryOf(key).directory, key);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, value, { mode: 0o400 });
      }
    });

    for (const [what, wrong, clear] of [
      ['of values that are right', false, false],
      ['of values that are wrong, misnamed and spoiled', true, false],
      ['of values in the clear', false, true],
    ] as const) {
      it(`${what}, in the table and in the JSON`, () => {
        const json = config(wrong);
        // The control: they are there to be found.
        assert.ok(leaks(json, canaries).length >= canaries.size);
        const { facts, found } = examined(json, clear);
        assert.equal(found > 0, wrong || clear);
        const diagnosis = diagnose(facts);
        const output = [printed(diagnosis), JSON.stringify(diagnosis, undefined, 2)];
        for (const text of output) assert.deepEqual(leaks(text, canaries), []);
        assert.ok(diagnosis.keys.length >= canaries.size);
        assert.ok(output[0]?.includes('trading.binance_api_key'));
      });
    }
  });
});
