import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stackFilePath } from '../../../operations/doctor/config.ts';
import type { Engine } from '../../../operations/engine/engine.ts';
import { writeDurably } from '../../../operations/engine/private-file.ts';
import { rehearsalFolder, rehearsalVariable } from '../../../operations/engine/workspace.ts';
import { OwnHands, type OwnHandsArgs } from '../../../operations/rotation/own-hands.ts';
import type { Rotation } from '../../../operations/rotation/rotation.ts';
import { SealedConfig } from '../../../operations/rotation/sealed-config.ts';
import { begun } from '../../../operations/rotation/way-back.ts';

const path = 'trading.kraken_api_key';

describe('the hands of a rotation', () => {
  const directory = mkdtempSync(join(tmpdir(), 'own-hands-'));
  const stack = `own-hands-test-${process.pid}`;
  const own = { [rehearsalVariable]: process.env[rehearsalVariable], PATH: process.env.PATH };
  const said: string[] = [];
  const { log, error } = console;
  const hook = join(directory, 'hook');
  const heard = join(directory, 'heard');

  before(() => {
    process.env[rehearsalVariable] = stack;
    writeFileSync(hook, `#!/bin/sh\ncat > '${heard}'\n`, { mode: 0o755 });
  });
  beforeEach(() => {
    for (const name of ['log', 'error'] as const) console[name] = (line) => void said.push(line);
    said.length = 0;
  });
  afterEach(() => Object.assign(console, { log, error }));
  after(() => {
    rmSync(directory, { recursive: true });
    rmSync(rehearsalFolder(stack), { recursive: true, force: true });
    for (const [name, value] of Object.entries(own)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  const rotation: Rotation = {
    ...begun,
    id: 'aaaaaa',
    begun: '2026-11-27T10:00:00.000Z',
    who: 'someone',
    why: '',
    targets: ['compose'],
    kind: 'rotate',
    due: 'revoke',
    proven: '2026-11-27T10:05:00.000Z',
    keys: [{ path, old: 'v1:o', new: 'v1:n', oldTag: 'aaaa', newTag: 'bbbb', worth: true }],
  };

  /** @param set ciphertext of the key in the config */
  function handsWith(set: string): OwnHands {
    const file = `config:\n  hummingbot-secrets:trading:\n    kraken_api_key:\n      secure: ${set}\n`;
    writeDurably(stackFilePath(stack), file);
    const ask = async (words: readonly string[]) => {
      const config = {
        'hummingbot-secrets:trading': { objectValue: { kraken_api_key: 'a value' } },
      };
      const state = { deployment: { resources: [] } };
      return { code: 0, stdout: JSON.stringify(words[0] === 'stack' ? state : config), stderr: '' };
    };
    const engine = { stack, ask } as unknown as Engine;
    const delivered = { compose: { directory, next: 'docker compose up -d' } };
    return new OwnHands({
      engine,
      config: new SealedConfig(engine),
      scope: {
        settings: { rotation: { overlap: '0', revoke: { 'trading.kraken': hook } } },
        outputs: { tags: {}, delivered },
      },
      skipCheck: false,
      evenIfRunning: false,
    } as unknown as OwnHandsArgs);
  }

  it('have the old credential revoked by the hook once the new one stands', async () => {
    const { revoked } = await handsWith('v1:n').revoke(rotation);
    assert.deepEqual(revoked, [path]);
    assert.ok(existsSync(heard));
  });

  it('revoke nothing while the config has another value than the one that was rolled out', async () => {
    rmSync(heard, { force: true });
    const { revoked } = await handsWith('v1:o').revoke(rotation);
    assert.deepEqual([revoked, existsSync(heard)], [[], false]);
    assert.match(
      said.join('\n'),
      /^trading\.kraken_api_key: got another value, set since it was/mu,
    );
  });

  it('do not take a bot for stopped of which Docker does not say whether it runs', async () => {
    const docker = '#!/bin/sh\necho "Cannot connect to the Docker daemon" >&2\nexit 1\n';
    writeFileSync(join(directory, 'docker'), docker, { mode: 0o755 });
    process.env.PATH = [directory, own.PATH].join(delimiter);
    const urgent: Rotation = { ...rotation, due: 'stop', emergency: { bots: ['compose'] } };
    await assert.rejects(
      handsWith('v1:o').stop(urgent),
      /^CommandError: docker: got a Docker engine that does not answer; allowed: a bot that is stopped before its key is replaced; fix: [^\n]+--resume --even-if-running$/u,
    );
    // None ran when it began.
    await handsWith('v1:o').stop({ ...urgent, emergency: { bots: [] } });
  });
});
