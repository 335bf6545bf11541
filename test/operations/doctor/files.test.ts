import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { entryOf, type SecretKey } from '../../../components/catalog.ts';
import type { FileTarget } from '../../../components/delivery/delivery.ts';
import { quoted } from '../../../components/delivery/env-file.ts';
import { type TargetName, targetNames, targetOf } from '../../../components/delivery/targets.ts';
import { lookAtFiles } from '../../../operations/doctor/files.ts';
import { keyFacts } from './case.ts';

const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----';
const expected = new Map<SecretKey, string>([
  ['binance_api_key', 'one'],
  ['binance_secret_key', "it's two"],
  ['coinbase_secret_key', pem],
]);
const keys = [...expected.keys(), 'postgres_password' as const].map((key) =>
  keyFacts(key, key === 'postgres_password' ? 'generated' : 'own value'),
);

describe('what a file target has left', () => {
  const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
  after(() => rmSync(directory, { recursive: true }));
  const place = { stack: 'dev', shown: 'out/dev', directory };
  const pathOf = (key: SecretKey): string =>
    join(directory, 'secrets', entryOf(key).directory, key);
  const env = join(directory, '.env.secrets');

  function write(path: string, content: string, mode: number): void {
    rmSync(path, { force: true });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
    chmodSync(path, mode);
  }
  beforeEach(() => {
    const all: [SecretKey, string][] = [...expected, ['postgres_password', 'generated']];
    for (const [key, value] of all) write(pathOf(key), value, 0o400);
    const lines = all.map(([key, value]) => `${key.toUpperCase()}=${quoted(value)}\n`);
    write(env, lines.join(''), 0o600);
  });
  const look = (target: TargetName) =>
    lookAtFiles({ ...place, target }, targetOf(target) as FileTarget, keys, expected);
  const fileTargets = targetNames.filter((name) => targetOf(name).kind === 'files');

  for (const target of fileTargets) {
    it(`is all right with ${target} when all is as it was written`, () => {
      const { arrivals, findings } = look(target);
      assert.deepEqual(findings, []);
      assert.deepEqual(new Set(arrivals.values()), new Set(['yes']));
      assert.equal(arrivals.size, keys.length);
    });
  }
  const [one = 'compose', other = 'env-file'] = fileTargets;

  it('is a deleted file, a wrong mode, an older value, each by its file', () => {
    rmSync(pathOf('binance_api_key'));
    chmodSync(pathOf('binance_secret_key'), 0o644);
    write(pathOf('coinbase_secret_key'), `${pem}\n`, 0o400);
    write(pathOf('postgres_password'), '', 0o400);
    const { arrivals, findings } = look(one);
    assert.deepEqual([...arrivals.values()], ['no', 'wrong mode', 'older value', 'older value']);
    assert.deepEqual(
      findings.map(({ what, got, allowed }) => `${what}: got ${got}; allowed: ${allowed}`),
      [
        'out/dev/secrets/trading/binance_api_key: got no such file; allowed: a file of mode 0400',
        'out/dev/secrets/trading/binance_secret_key: got mode 0644; allowed: 0400',
        'out/dev/secrets/trading/coinbase_secret_key: got an older value; allowed: the value that is set',
        'out/dev/secrets/database/postgres_password: got an older value; allowed: the value that is set',
      ],
    );
    assert.ok(findings.every(({ fix }) => fix === 'npm start -- --stack dev'));
  });

  it('is one finding for a file that holds all of them', () => {
    write(env, `BINANCE_API_KEY='zero'\nPOSTGRES_PASSWORD='x'\n`, 0o600);
    const { arrivals, findings } = look(other);
    assert.equal(arrivals.get('postgres_password'), 'yes');
    assert.equal(findings.length, 1);
    assert.equal(
      findings[0]?.got,
      'an older value of binance_api_key, binance_secret_key, coinbase_secret_key',
    );
    rmSync(env);
    assert.deepEqual(
      look(other).findings.map(({ got }) => got),
      ['no such file'],
    );
  });

  it('does not follow a link, and takes no part of a name for the name', () => {
    rmSync(pathOf('binance_api_key'));
    symlinkSync(pathOf('binance_secret_key'), pathOf('binance_api_key'));
    assert.equal(look(one).arrivals.get('binance_api_key'), 'unreadable');
    write(env, `OLD_BINANCE_API_KEY='one'\n`, 0o600);
    assert.equal(look(other).arrivals.get('binance_api_key'), 'older value');
  });

  it('is no finding of what cannot be delivered anyway', () => {
    rmSync(pathOf('binance_api_key'));
    const missing = [keyFacts('binance_api_key', 'missing')];
    const target = targetOf(one) as FileTarget;
    const { arrivals, findings } = lookAtFiles(
      { ...place, target: one },
      target,
      missing,
      new Map(),
    );
    assert.deepEqual([arrivals.get('binance_api_key'), findings], ['no', []]);
  });
});
