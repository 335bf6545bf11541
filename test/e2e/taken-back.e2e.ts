/**
 * What a user does after a kill -9 that is not the same once more: the stack is destroyed, or the
 * value that was being changed is set back. Nothing of the killed run may stay.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout } from './checkout.ts';
import { pathOf } from './file-watch.ts';
import { snapshotFaults } from './snapshot-rules.ts';
import { killDuring, type Victim } from './victims.ts';

const key = 'binance_api_key';
const up = 'run --silent pulumi -- up --stack dev --yes --skip-preview'.split(' ');

describe('after a kill -9', () => {
  const checkout = new Checkout();
  const canaries = new Map<string, string>();

  after(() => checkout.remove());

  /** Kills a run as soon as something has happened. @returns whether it was still running then */
  async function killWhen(
    victim: Victim,
    event: string,
    happened: () => boolean,
  ): Promise<boolean> {
    const child = checkout.start('npm', up);
    const result = checkout.finish(child);
    const moment = { event, happened };
    // The engine as it is called by `npm run pulumi`; of the plugins, the one that writes files.
    const killed = await killDuring(child, {
      victim,
      moment,
      lifetime: 0,
      ...(victim === 'plugin' && { command: /^(?:\S*\/)?node .*plugins\/hummingbot\/main\.ts/u }),
    });
    await result;
    return killed !== undefined;
  }

  /** A busy machine lets a run end before its kill: then all of it is done once more. */
  async function untilHit(attempt: (tries: number) => Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await attempt(tries)); tries += 1) {
      assert.ok(tries < 5, 'it had ended before, each time');
    }
  }

  async function set(value: string): Promise<void> {
    canaries.set(`${key} ${canaries.size}`, value);
    const words = ['config', 'set', '--secret', '--path', `trading.${key}`, '--stack', 'dev'];
    assert.equal((await checkout.pulumi(words, value)).code, 0);
  }

  const plainUp = async (): Promise<string> => {
    const { code, stdout, stderr } = await checkout.run('npm', up);
    assert.equal(code, 0, stdout + stderr);
    return stdout + stderr;
  };

  const secretFiles = (): readonly string[] => {
    const folder = checkout.path('out/dev/secrets');
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('_'),
    );
  };

  for (const victim of ['engine', 'plugin', 'command'] as const) {
    it(`of the ${victim} in a first run, a destroy leaves no file with a value`, async () => {
      await untilHit(async () => {
        const hit = await killWhen(victim, 'a file is there', () => secretFiles().length > 0);
        const { code, stdout, stderr } = await checkout.npmStart('destroy');
        assert.equal(code, 0, stdout + stderr);
        assert.deepEqual(secretFiles(), []);
        assert.deepEqual(checkout.files('out'), new Map());
        return hit;
      });
    });
  }

  it('a value that is set back is delivered, by an up that refreshes nothing', async () => {
    const first = makeCanary('first');
    await set(first);
    assert.equal((await checkout.npmStart()).code, 0);
    const path = checkout.path(pathOf(key));
    const read = (): string => readFileSync(path, 'utf8');
    await untilHit(async (tries) => {
      const second = makeCanary(`second-${tries}`);
      await set(second);
      const written = (): boolean => existsSync(path) && read() === second;
      const hit = await killWhen('engine', 'the file is written', written);
      await set(first);
      if (!hit) await plainUp();
      return hit;
    });
    await plainUp();
    assert.ok(read() === first, 'what was taken back is still there');
    assert.ok(readFileSync(join(dirname(path), '../../.env.secrets'), 'utf8').includes(first));
    const { stdout } = await checkout.pulumi(['stack', 'export', '--stack', 'dev']);
    assert.deepEqual(snapshotFaults(JSON.parse(stdout)), []);
    assert.match(await plainUp(), /\d+ unchanged\n/u);
  });

  it('of the next run too, while it asks what is there, the one after it asks again', async () => {
    const path = checkout.path(pathOf(key));
    const first = readFileSync(path, 'utf8');
    const unsettled = checkout.path('.local/doubtful/dev.unsettled.json');
    await untilHit(async (tries) => {
      const third = makeCanary(`third-${tries}`);
      await set(third);
      const written = (): boolean => readFileSync(path, 'utf8') === third;
      const hit = await killWhen('engine', 'the file is written', written);
      await set(first);
      const asked = hit && (await killWhen('command', 'it asks', () => existsSync(unsettled)));
      await plainUp();
      return asked;
    });
    assert.ok(readFileSync(path, 'utf8') === first, 'what was taken back is still there');
    assert.equal(existsSync(unsettled), false);
  });

  it('showed a value nowhere', () => {
    assert.deepEqual(leaks(checkout.printed.join('\n'), canaries), []);
  });
});
