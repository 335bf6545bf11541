import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stackFilePath } from '../../../operations/doctor/config.ts';
import type { Engine } from '../../../operations/engine/engine.ts';
import {
  rehearsalFolder,
  rehearsalVariable,
  workspace,
} from '../../../operations/engine/workspace.ts';
import { SealedConfig, withSealed } from '../../../operations/rotation/sealed-config.ts';
import { leaks, makeCanary } from '../../canary.ts';

const text = 'config:\n  hummingbot-secrets:targets: [compose]\n';

describe('the sealing of values', () => {
  const stack = `sealing-test-${process.pid}`;
  const own = process.env[rehearsalVariable];
  const values = new Map([
    ['trading.binance_api_key', makeCanary('api')],
    ['trading.binance_secret_key', makeCanary('secret')],
    ['trading.kraken_api_key', makeCanary('kraken')],
  ]);
  let asked: (readonly string[])[];
  /** Path of a key that nothing seals. */
  let refused: string | undefined;

  beforeEach(() => {
    process.env[rehearsalVariable] = stack;
    mkdirSync(dirname(stackFilePath(stack)), { recursive: true });
    writeFileSync(stackFilePath(stack), text);
    asked = [];
    refused = undefined;
  });
  afterEach(() => {
    rmSync(rehearsalFolder(stack), { recursive: true, force: true });
    if (own === undefined) delete process.env[rehearsalVariable];
    else process.env[rehearsalVariable] = own;
  });

  /** Encrypts as Pulumi would, into the file that it is told: each with a number of its own. */
  const ask: Engine['ask'] = async (words, input = '') => {
    asked.push(words);
    const file = words[words.indexOf('--config-file') + 1] ?? '';
    const before = readFileSync(file, 'utf8');
    const serial = asked.length;
    await sleep(20);
    if (words[1] !== 'set') {
      const aside = { t0: 'opened' };
      const stdout = JSON.stringify({ 'hummingbot-secrets:aside': { objectValue: aside } });
      return { code: 0, stdout, stderr: '' };
    }
    const path = words[words.indexOf('--path') + 1] ?? '';
    if (path === refused) return { code: 255, stdout: '', stderr: '' };
    assert.notEqual(input, '');
    writeFileSync(file, withSealed(before, new Map([[path, `v1:${serial}`]])));
    return { code: 0, stdout: '', stderr: '' };
  };
  const config = (): SealedConfig => new SealedConfig({ ask, stack } as Engine);

  it('gives each its own ciphertext, and leaves the stack file and its folder as they were', async () => {
    const sealed = await config().seal(values);
    assert.deepEqual([...sealed.keys()], [...values.keys()]);
    assert.equal(new Set(sealed.values()).size, values.size);
    assert.equal(readFileSync(stackFilePath(stack), 'utf8'), text);
    assert.deepEqual(readdirSync(workspace.rotations), []);
    assert.deepEqual(leaks(asked.flat().join(' '), values), []);
  });

  it('asks nobody to open what it has just sealed, and of anything else the engine', async () => {
    const one = config();
    const sealed = await one.seal(values);
    const before = asked.length;
    const opened = await one.open(sealed);
    assert.ok([...values].every(([path, value]) => opened.get(path) === value));
    assert.equal(asked.length, before);
    const path = 'trading.binance_api_key';
    assert.deepEqual(await one.open(new Map([[path, 'v1:other']])), new Map([[path, 'opened']]));
    assert.deepEqual(
      await config().open(new Map([[path, sealed.get(path) ?? '']])),
      new Map([[path, 'opened']]),
    );
    assert.equal(asked.length, before + 2);
  });

  it('is refused as a whole when one cannot be sealed, and leaves nothing, not of a killed run either', async () => {
    const left = join(workspace.rotations, `aside-${stack}`, `Pulumi.${stack}.9.yaml`);
    mkdirSync(dirname(left), { recursive: true });
    writeFileSync(left, text);
    refused = 'trading.binance_secret_key';
    await assert.rejects(
      config().seal(values),
      /^CommandError: trading\.binance_secret_key: got exit code 255 from pulumi config set; .*nothing was changed$/u,
    );
    assert.equal(existsSync(dirname(left)), false);
  });

  it('has nothing to do for no values', async () => {
    assert.deepEqual(await config().seal(new Map()), new Map());
    assert.deepEqual(asked, []);
  });
});
