import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../../components/catalog.ts';
import {
  generate,
  givenValues,
  privateText,
  readText,
} from '../../../operations/rotation/given-values.ts';
import { Interrupted, Prompt } from '../../../operations/rotation/prompt.ts';
import { leaks, makeCanary } from '../../canary.ts';

const asked = (keys: readonly SecretKey[]) => ({
  stack: 'dev',
  keys,
  file: undefined,
  command: 'npm run rotate -- --stack dev WORD',
});
const pair = asked(['binance_api_key', 'binance_secret_key']);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it is taken');
}

describe('new values', () => {
  const canary = makeCanary('given');
  const canaries = new Map([['given', canary]]);

  it('are one alone as it is, without the line feed behind it', () => {
    const one = asked(['kraken_secret_key']);
    assert.deepEqual(
      [...readText(`${canary}==\n`, 'x', one)],
      [['kraken_secret_key', `${canary}==`]],
    );
    assert.deepEqual(
      [...readText(`KRAKEN_SECRET_KEY=${canary}`, 'x', one)],
      [['kraken_secret_key', canary]],
    );
    const pem = '-----BEGIN EC PRIVATE KEY-----\nabcd\n-----END EC PRIVATE KEY-----';
    assert.equal(
      readText(`${pem}\n`, 'x', asked(['coinbase_secret_key'])).get('coinbase_secret_key'),
      pem,
    );
  });

  it('are several by their names, also those of Hummingbot', () => {
    const text = `BINANCE_API_KEY=${canary}\nbinance_api_secret=other\n`;
    assert.deepEqual(Object.fromEntries(readText(text, 'x', pair)), {
      binance_api_key: canary,
      binance_secret_key: 'other',
    });
  });

  it('are refused in one line when one is missing, unknown, not asked for or there twice', () => {
    const lines = [
      '',
      '\n',
      `BINANCE_API_KEY=${canary}`,
      canary,
      `BINANCE_API_KEY=a\nBINANCE_SECRET_KEY=b\nKRAKEN_API_KEY=${canary}`,
      `BINANCE_API_KEY=a\nBINANCE_SECRET_KEY=b\nFOO=${canary}`,
      `BINANCE_API_KEY=a\nBINANCE_SECRET_KEY=b\nBINANCE_API_KEY=${canary}`,
    ].map((text) => refusal(() => readText(text, 'standard input', pair)));
    for (const line of lines)
      assert.match(line, /^[^\n]+: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/u);
    assert.deepEqual(leaks(lines.join('\n'), canaries), []);
  });

  it('come from a file that its owner alone may read, and from no other', () => {
    const directory = mkdtempSync(join(tmpdir(), 'given-'));
    try {
      const path = join(directory, 'value');
      writeFileSync(path, canary, { mode: 0o600 });
      assert.equal(privateText(path), canary);
      symlinkSync(path, join(directory, 'link'));
      const lines = [join(directory, 'link'), join(directory, 'none'), directory].map((each) =>
        refusal(() => privateText(each)),
      );
      for (const mode of [0o640, 0o604, 0o644, 0o620]) {
        chmodSync(path, mode);
        lines.push(refusal(() => privateText(path)));
      }
      for (const line of lines)
        assert.match(line, /: got \S.*; allowed: .*\(0600\); fix: .*; nothing was changed$/u);
      assert.deepEqual(leaks(lines.join('\n'), canaries), []);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('are made anew where the catalog says so, and nobody is asked', async () => {
    const keys: SecretKey[] = ['postgres_password', 'redis_password'];
    const values = [...(await givenValues(asked(keys))).values()];
    assert.equal(new Set(values).size, 2);
    for (const value of values) assert.match(value, /^[A-Za-z0-9]{32}$/u);
    const letters = new Set(Array.from({ length: 200 }, generate).join(''));
    assert.equal(letters.size, 62);
  });
});

describe('the prompt', () => {
  function terminal() {
    const input = new PassThrough();
    const said: string[] = [];
    return { input, said, prompt: new Prompt(input, (text) => said.push(text)) };
  }
  const canary = makeCanary('prompt');

  it('shows nothing of what is typed or pasted, and takes one line a value', async () => {
    const { input, said, prompt } = terminal();
    input.write(`${canary}\rsecond\n`);
    assert.equal(await prompt.ask('one'), canary);
    assert.equal(await prompt.ask('two'), 'second');
    prompt.end();
    assert.deepEqual(said, ['one: ', '\n', 'two: ', '\n']);
  });

  it('takes the lines of a PEM up to its end', async () => {
    const { input, prompt } = terminal();
    const pem = `-----BEGIN EC PRIVATE KEY-----\n${'a'.repeat(64)}\nbb==\n-----END EC PRIVATE KEY-----`;
    input.write(`${pem}\n`);
    assert.equal(await prompt.ask('pem', (line) => line.startsWith('-----END ')), pem);
    input.write('\n');
    assert.equal(await prompt.ask('pem', (line) => line.startsWith('-----END ')), '');
    prompt.end();
  });

  it('ends at Ctrl-C, at Ctrl-D and when the terminal goes', async () => {
    for (const keys of ['\u0003', '\u0004', undefined]) {
      const { input, prompt } = terminal();
      if (keys === undefined) input.end();
      else input.write(keys);
      await assert.rejects(prompt.ask('one'), Interrupted);
      prompt.end();
    }
  });

  it('are read from a pipe whose writer takes its time', async () => {
    const module = resolve('operations/rotation/given-values.ts');
    const one = JSON.stringify(asked(['kraken_secret_key']));
    const program = `process.stdin.isTTY; const { givenValues } = await import('${module}'); console.log((await givenValues(${one})).size);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const said = textOf(child.stdout);
    await sleep(1500);
    child.stdin.write(canary.slice(0, 10));
    await sleep(100);
    child.stdin.end(`${canary.slice(10)}==\n`);
    assert.equal(await said, '1\n');
  });
});
