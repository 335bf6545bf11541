import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Engine } from '../../../operations/engine/engine.ts';
import { OwnHands, type OwnHandsArgs } from '../../../operations/rotation/own-hands.ts';
import type { Rotation } from '../../../operations/rotation/rotation.ts';
import { SealedConfig } from '../../../operations/rotation/sealed-config.ts';
import { begun } from '../../../operations/rotation/way-back.ts';
import { HookedStack } from './hooked-stack.ts';

const path = 'trading.kraken_api_key';

describe('the hands of a rotation', () => {
  const stack = new HookedStack('own-hands');
  const { PATH } = process.env;

  before(() => stack.start());
  beforeEach(() => stack.listen());
  afterEach(() => stack.unlisten());
  after(() => {
    stack.end();
    process.env.PATH = PATH;
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
    stack.writeFile(file);
    const ask = async (words: readonly string[]) => {
      const config = {
        'hummingbot-secrets:aside': { objectValue: { t0: 'a value' } },
      };
      const state = { deployment: { resources: [] } };
      return { code: 0, stdout: JSON.stringify(words[0] === 'stack' ? state : config), stderr: '' };
    };
    const engine = { stack: stack.name, ask } as unknown as Engine;
    const delivered = { compose: { directory: stack.directory, next: 'docker compose up -d' } };
    return new OwnHands({
      engine,
      config: new SealedConfig(engine),
      scope: {
        settings: { rotation: { overlap: '0', revoke: { 'trading.kraken': stack.hook } } },
        outputs: { tags: {}, delivered },
      },
      skipCheck: false,
      evenIfRunning: false,
    } as unknown as OwnHandsArgs);
  }

  it('have the old credential revoked by the hook once the new one stands', async () => {
    const { revoked } = await handsWith('v1:n').revoke(rotation);
    assert.deepEqual(revoked, [path]);
    assert.ok(existsSync(stack.heard));
  });

  it('revoke nothing while the config has another value than the one that was rolled out', async () => {
    const { revoked } = await handsWith('v1:o').revoke(rotation);
    assert.deepEqual([revoked, existsSync(stack.heard)], [[], false]);
    assert.match(
      stack.said.join('\n'),
      /^trading\.kraken_api_key: got another value, set since it was/mu,
    );
  });

  it('do not take a bot for stopped of which Docker does not say whether it runs', async () => {
    const docker = '#!/bin/sh\necho "Cannot connect to the Docker daemon" >&2\nexit 1\n';
    writeFileSync(join(stack.directory, 'docker'), docker, { mode: 0o755 });
    process.env.PATH = [stack.directory, PATH].join(delimiter);
    const urgent: Rotation = { ...rotation, due: 'stop', emergency: { bots: ['compose'] } };
    await assert.rejects(
      handsWith('v1:o').stop(urgent),
      /^CommandError: docker: got a Docker engine that does not answer; allowed: a bot that is stopped before its key is replaced; fix: [^\n]+--resume --even-if-running$/u,
    );
    // None ran when it began.
    await handsWith('v1:o').stop({ ...urgent, emergency: { bots: [] } });
  });
});
