import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askHook, hookOf } from '../../../operations/rotation/hooks.ts';
import { revoke } from '../../../operations/rotation/revocation.ts';
import { leaks, makeCanary } from '../../canary.ts';

describe('a hook of a rotation', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hooks-'));
  const { log, error } = console;
  afterEach(() => {
    console.log = log;
    console.error = error;
  });
  after(() => rmSync(directory, { recursive: true }));
  const canary = makeCanary('hook');
  const heard = join(directory, 'heard');

  function program(name: string, script: string): string {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  }
  const yes = program('yes', `cat > '${heard}'; cat '${heard}'; cat '${heard}' >&2`);
  const no = program('no', 'cat; exit 3');
  const question = {
    step: 'check',
    stack: 'dev',
    what: 'trading.binance',
    new: { k: canary },
  } as const;

  it('is that of the key, before that of what it is issued with', () => {
    const check = { 'trading.binance': 'both', 'trading.binance_api_key': 'own' };
    const settings = { rotation: { check } };
    assert.equal(hookOf(settings, 'check', 'binance_api_key')?.program, 'own');
    assert.equal(hookOf(settings, 'check', 'binance_secret_key')?.program, 'both');
    assert.equal(hookOf(settings, 'revoke', 'binance_secret_key'), undefined);
    assert.equal(hookOf({}, 'check', 'binance_secret_key'), undefined);
  });

  it('gets the values by standard input, and answers by its exit code', async () => {
    assert.equal(await askHook({ what: '', program: yes }, question), undefined);
    assert.deepEqual(JSON.parse(readFileSync(heard, 'utf8')), question);
    assert.equal(await askHook({ what: '', program: no }, question), 'exit code 3');
    const deaf = program('deaf', 'exec <&-; exit 0');
    assert.equal(await askHook({ what: '', program: deaf }, question), undefined);
  });

  it('that is not there, or never ends, says no', async () => {
    const none = { what: '', program: join(directory, 'none') };
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    // Mocha's own begins with the first wait.
    await Promise.resolve();
    const before = timers();
    assert.equal(await askHook(none, question), 'ENOENT');
    assert.equal(timers(), before, 'the command would go on for as long as a hook may take');
    const hanging = { what: '', program: program('hanging', 'exec sleep 60') };
    assert.equal(await askHook(hanging, question, 100), 'no end (SIGKILL)');
  });

  it('revokes old credentials, all that are issued together at once; one that fails leaves them to a person', async () => {
    const said: string[] = [];
    console.log = (line: string) => void said.push(line);
    console.error = (line: string) => void said.push(line);
    const key = (path: string) => ({ path, old: 'v1:o', new: 'v1:n', oldTag: '', worth: true });
    const keys = [
      ...['trading.binance_api_key', 'trading.binance_secret_key'].map(key),
      key('infrastructure.redis_password'),
      key('monitoring.slack_webhook_url'),
      { ...key('trading.kraken_api_key'), worth: false },
    ];
    const hooks = {
      'trading.binance': yes,
      'infrastructure.redis': no,
      'trading.kraken': yes,
    };
    const revoked = await revoke(keys, {
      stack: 'dev',
      settings: { rotation: { revoke: hooks } },
      open: async (sealed) => new Map([...sealed].map(([path, text]) => [path, text + canary])),
    });
    const paths = ['trading.binance_api_key', 'trading.binance_secret_key'];
    assert.deepEqual(
      [...revoked],
      paths.map((path) => [path, yes]),
    );
    assert.deepEqual(JSON.parse(readFileSync(heard, 'utf8')), {
      step: 'revoke',
      stack: 'dev',
      what: 'trading.binance',
      old: { binance_api_key: `v1:o${canary}`, binance_secret_key: `v1:o${canary}` },
      new: { binance_api_key: `v1:n${canary}`, binance_secret_key: `v1:n${canary}` },
    });
    assert.match(said.join('\n'), /infrastructure\.redis: got exit code 3 of \S+no, so a person/u);
    assert.deepEqual(leaks(said.join('\n'), new Map([['hook', canary]])), []);
  });
});
