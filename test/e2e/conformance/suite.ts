/**
 * One suite for every target, as cert-manager has one for its issuers: whoever delivers values does
 * all of this, on its real systems, seen by its real consumer. Values are compared here and shown
 * nowhere. Each check's outcome goes to docs/targets/conformance.md by `npm run conformance`.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  entryOf,
  isSecretKey,
  keysOf,
  type SecretKey,
  serviceNames,
} from '../../../components/catalog.ts';
import { copiesOf } from '../../bench/state.ts';
import { leaks, makeCanary } from '../../canary.ts';
import type { Result } from '../checkout.ts';
import { appearing, descendants } from '../process-tree.ts';
import { HeldRotation } from './held-rotation.ts';
import type { ConformingTarget } from './target.ts';

const key = 'kucoin_passphrase';
/** Of a group that no bot reads. */
const other = 'grafana_api_key';
const generated = 'postgres_password';
const maxValueBytes = 4096;
const maxCopies = 3;
/** How many rotations, and the file that their milliseconds are written to. */
export const rotationsVariable = 'CONFORMANCE_ROTATIONS';
export const timesVariable = 'CONFORMANCE_ROTATION_TIMES';
/** More than one for the soak `rotate-targets`, which reads the milliseconds of each from a file. */
const rotations = Number(process.env[rotationsVariable] ?? 1);
/**
 * Names of the targets that fail in the middle of a rotation. One that takes seconds in every run; all
 * of them, where a failure takes as long as its system is waited for, in the soak `rotate-failing`.
 */
export const failingVariable = 'CONFORMANCE_FAILING';
const failing = (process.env[failingVariable] ?? 'env-file').split(',');
/** As the stack files have them: what needs a service that is not listed is not asked for. */
const services = serviceNames.filter((name) => name !== 'keystore');
const ofMonitoring = new Set<string>(keysOf('monitoring').map((name) => entryOf(name).usedWith));

export function conforms(target: ConformingTarget): void {
  describe(`conformance of ${target.name}`, () => {
    /** Values of the stack's config, and all that were ever set, for the search. */
    const values = new Map<SecretKey, string>();
    const set = new Map<string, string>();
    /** Keys that are in use and the bot's. */
    let mine: readonly SecretKey[] = [];

    before(async function () {
      if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
      await target.start();
      for (const [name, value] of await configured()) {
        values.set(name, value);
        set.set(name, value);
      }
      const used = [...(await tags()).keys()];
      mine = used.filter((name) => entryOf(name).consumers.includes('hummingbot')).toSorted();
      assert.ok(mine.length > 0);
    });
    after(async () => await target.end());

    async function pulumi(words: readonly string[], input?: string): Promise<Result> {
      const all = ['run', '--silent', 'pulumi', '--', ...words, '--stack', target.stack];
      return await target.run('npm', all, input);
    }

    async function setValue(name: SecretKey, value: string): Promise<void> {
      values.set(name, value);
      set.set(`${name} ${set.size}`, value);
      const path = `${entryOf(name).group}.${name}`;
      const { code, stderr } = await pulumi(['config', 'set', '--secret', '--path', path], value);
      assert.equal(code, 0, stderr);
    }

    /** Values of the stack's config. What this prints is what was asked for, and no leak. */
    async function configured(): Promise<ReadonlyMap<SecretKey, string>> {
      const { stdout } = await pulumi(['config', '--show-secrets', '--json']);
      target.checkout.forget(stdout);
      const maps = Object.values(JSON.parse(stdout) as Record<string, { objectValue?: object }>);
      return new Map(
        maps
          .flatMap(({ objectValue = {} }) => Object.entries(objectValue))
          .flatMap(([name, value]) => (isSecretKey(name) ? [[name, String(value)] as const] : [])),
      );
    }

    const start = async (...words: readonly string[]): Promise<Result> => {
      const yes = words[0] === 'preview' ? [] : ['--yes'];
      return await target.run('npm', ['start', '--', ...words, '--stack', target.stack, ...yes]);
    };

    async function up(): Promise<string> {
      const { code, stdout, stderr } = await start();
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    }

    /** Tags of the keys that are in use. */
    async function tags(): Promise<ReadonlyMap<SecretKey, string>> {
      const { stdout } = await pulumi(['stack', 'output', 'tags', '--json']);
      const groups = Object.values(JSON.parse(stdout) as Record<string, { keys: object }>);
      return new Map(
        groups
          .flatMap(({ keys }) => Object.entries(keys))
          .flatMap(([name, tag]) => (isSecretKey(name) ? [[name, String(tag)] as const] : [])),
      );
    }

    const tagOf = async (name: SecretKey): Promise<string | undefined> => (await tags()).get(name);

    /** The consumer reads what is set, all of it, and no other key. */
    async function reads(): Promise<void> {
      const seen = await target.read();
      assert.deepEqual([...seen.keys()].toSorted(), mine);
      assert.deepEqual(
        mine.filter((name) => seen.get(name) !== values.get(name)),
        [],
        'keys that are another value',
      );
    }

    /** At once, or when the target's own controller has seen it. */
    async function isBack(): Promise<void> {
      const expected = values.get(other);
      const seconds = target.owner?.backWithinSeconds ?? 0;
      for (const deadline = Date.now() + seconds * 1000; ; await sleep(250)) {
        if ((await target.value(other)) === expected) return;
        assert.ok(Date.now() < deadline, `${other} is not back`);
      }
    }

    async function setServices(names: readonly string[]): Promise<void> {
      await pulumi(['config', 'rm', 'services']);
      const words = names.map((name, at) => ['--plaintext', `services[${at}]=${name}`]);
      const { code, stderr } = await pulumi(['config', 'set-all', '--path', ...words.flat()]);
      assert.equal(code, 0, stderr);
    }

    it('delivers, and the real consumer reads its keys, each equal to what was set, and no other', async () => {
      await reads();
    });

    it('keeps at most three ciphertexts of a value in the state', async () => {
      const words = ['stack', 'export'];
      const { stdout: shown } = await pulumi([...words, '--show-secrets']);
      target.checkout.forget(shown);
      const { stdout: exported } = await pulumi(words);
      const used = await tags();
      for (const [name, value] of values) {
        if (!used.has(name)) continue;
        const { copies, where } = copiesOf(shown, exported, value);
        assert.ok(copies >= 1 && copies <= maxCopies, `${name}: ${copies}: ${where.join(', ')}`);
      }
    });

    it('has nothing to do the second time, and writes nothing', async () => {
      const mark = await target.mark();
      assert.match(await up(), /Resources:\n {4}\d+ unchanged\n/u);
      assert.deepEqual(await target.writes(mark), []);
    });

    it('carries a changed key of every class of bytes, and the old value with its old tag when it is set back', async () => {
      const before = values.get(key) ?? '';
      const [tag, places] = [await tagOf(key), await target.places()];
      await setValue(key, target.awkward);
      await up();
      await reads();
      assert.notEqual(await tagOf(key), tag);
      await setValue(key, before);
      await up();
      await reads();
      assert.equal(await tagOf(key), tag);
      assert.deepEqual(await target.places(), places, 'nothing is left of what was between');
    });

    /** @returns when the look began that found it, or when what was to bring it had ended */
    async function appears(value: string, bringing: Promise<unknown>): Promise<number> {
      let over = false;
      const note = (): void => {
        over = true;
      };
      bringing.then(note, note);
      for (; ; await sleep(100)) {
        const looked = Date.now();
        if ((await target.value(other).catch(() => undefined)) === value || over) return looked;
      }
    }

    it('rotates by one command, and leaves nothing of what was before', async () => {
      const places = await target.places();
      for (let serial = 0; serial < rotations; serial += 1) {
        const next = makeCanary(`rotated-${serial}`);
        values.set(other, next);
        set.set(`${other} ${set.size}`, next);
        const words = ['run', '--silent', 'rotate', '--', '--stack', target.stack];
        const begun = Date.now();
        const run = target.run('npm', [...words, `monitoring.${other}`], next);
        const file = process.env[timesVariable];
        const looks = file !== undefined && target.looksAreCheap !== false;
        const [read, { code, stdout, stderr }] = await Promise.all([
          looks ? appears(next, run) : run.then(() => Date.now()),
          run,
        ]);
        assert.equal(code, 0, stdout + stderr);
        assert.ok((await target.value(other)) === next, other);
        if (file !== undefined) appendFileSync(file, `${read - begun}\n`);
      }
      assert.deepEqual(await target.places(), places, 'nothing is left of what was between');
    });

    for (const { name, breaks, mends } of failing.includes(target.name) ? target.breakages : []) {
      const path = `monitoring.${other}`;
      /** Rotates while it is broken. @returns the values before and after, by what it ended with */
      const rotates = async (held: HeldRotation, mended: 'once' | 'never') => {
        const old = values.get(other) ?? '';
        const next = makeCanary(`failing-${set.size}`);
        set.set(`${other} ${set.size}`, next);
        const { code, stdout, stderr } = await held.rotate([path], next, {
          beforeRollOut: breaks,
          ...(mended === 'once' && { beforeTakingBack: mends }),
        });
        assert.equal(code, 1, stdout + stderr);
        const steps = [...stdout.matchAll(/^\d of 6 {2}(?:check|roll out|revoke)$/gmu)].map(String);
        assert.deepEqual(steps, ['3 of 6  check', '4 of 6  roll out']);
        assert.equal(held.revocations, 0, 'revoked before the new one was proven');
        return { old, next, said: stdout + stderr };
      };

      /**
       * Holds a rotation, has something done with it that leaves it unfinished and the target mended, and
       * resumes it: then what was rotated is there, and what it replaced was revoked, once.
       * @param unfinished gives the value that was to be rotated
       */
      const isResumed = async (unfinished: (held: HeldRotation) => Promise<string>) => {
        const held = new HeldRotation(target, path);
        const places = await target.places();
        await held.hold();
        try {
          const next = await unfinished(held);
          const { code, stdout, stderr } = await held.rotate(['--resume'], '');
          assert.equal(code, 0, stdout + stderr);
          assert.ok((await target.value(other)) === next, other);
          assert.equal(held.revocations, 1);
          assert.deepEqual(await target.places(), places, 'nothing is left of what was between');
          values.set(other, next);
        } finally {
          await mends();
          await held.letGo();
        }
      };

      it(`takes the old value back when ${name} once in a rotation, revokes nothing, and a resumption is all that it needs`, async () => {
        await isResumed(async (held) => {
          const { old, next, said } = await rotates(held, 'once');
          // What does not answer may be asked again before this has mended it.
          assert.match(
            said,
            /the old value is (?:back in every place|set, and not in every place yet); /u,
          );
          const isBack = said.includes('the old value is back');
          assert.ok(!isBack || (await target.value(other)) === old, 'the old value is not back');
          return next;
        });
      });

      it(`stays where it is when ${name} for good in a rotation, revokes nothing, and a resumption is all that it needs once it is mended`, async () => {
        await isResumed(async (held) => {
          const { old, next } = await rotates(held, 'never');
          const again = await held.rotate(['--resume'], '');
          assert.equal(again.code, 1, again.stdout + again.stderr);
          assert.equal(held.revocations, 0, 'revoked before the new one was proven');
          await mends();
          const between = await target.value(other);
          assert.ok(between === old || between === next, 'neither the old value nor the new one');
          return next;
        });
      });
    }

    if (target.refused.size > 0) {
      it('says beforehand which values it does not carry, and nothing is touched', async () => {
        const [before, mark] = [values.get(key) ?? '', await target.mark()];
        for (const [value, reason] of target.refused) {
          await setValue(key, value);
          const { code, stdout, stderr } = await start();
          assert.equal(code, 1);
          assert.match(stdout + stderr, reason);
          assert.deepEqual(leaks(stdout + stderr, new Map([['refused', value]])), []);
        }
        assert.deepEqual(await target.writes(mark), []);
        await setValue(key, before);
      });
    }

    it('refuses a value that is too long, and nothing is touched', async () => {
      const mark = await target.mark();
      await setValue(other, randomBytes(maxValueBytes).toString('hex'));
      const { code, stdout, stderr } = await start();
      // Whatever comes of it, the next check begins with a value that is right.
      await setValue(other, makeCanary('short'));
      assert.equal(code, 1);
      const lines = (stdout + stderr).match(/monitoring\.grafana_api_key: got .*/gu) ?? [];
      assert.equal(lines.length, 1, stdout + stderr);
      assert.match(lines[0] ?? '', /got 8192 bytes; allowed: at most 4096 bytes; fix: /u);
      assert.deepEqual(await target.writes(mark), []);
    });

    it('follows a value whose source changes: generated, set, and generated anew', async () => {
      const path = `infrastructure.${generated}`;
      const rm = async (): Promise<unknown> => await pulumi(['config', 'rm', '--path', path]);
      await rm();
      await up();
      const made = await target.value(generated);
      assert.ok(made !== undefined && made.length >= 16, 'nothing generated');
      const own = makeCanary('own');
      await setValue(generated, own);
      await up();
      assert.ok((await target.value(generated)) === own, 'not the own value');
      await rm();
      await up();
      const again = await target.value(generated);
      assert.ok(again !== undefined && again !== own, 'still the own value');
      set.set('generated', made);
      set.set('generated again', again);
    });

    it('takes a group away with its last service, and brings it back', async () => {
      const places = await target.places();
      await setServices(services.filter((name) => !ofMonitoring.has(name)));
      await up();
      assert.equal(await target.value(other), undefined);
      const less = await target.places();
      assert.ok(less.length < places.length || target.name === 'env-file', less.join());
      await reads();
      await setServices(services);
      await target.bringBack?.();
      await up();
      assert.ok((await target.value(other)) === values.get(other), other);
      assert.deepEqual(await target.places(), places);
    });

    it('sees what was deleted or changed by hand, and makes it right', async () => {
      for (const spoil of [
        async () => await target.edit(other, 'by hand'),
        async () => await target.remove(other),
      ]) {
        await spoil();
        if (target.owner === undefined) {
          const { stdout } = await pulumi(['refresh', '--yes', '--skip-preview']);
          assert.match(stdout, /Resources:\n(?: {4}.*\n)*? {4}[~-] ?\d+ (?:updated|deleted)/u);
        }
        await up();
        await isBack();
      }
      await reads();
    });

    if (target.owner !== undefined) {
      const { backWithinSeconds } = target.owner;
      it(`is back within ${backWithinSeconds} s when it was deleted, without an up`, async () => {
        await target.remove(other);
        await isBack();
      });
    }

    /** @returns whether the run was still at work when it was to be killed */
    async function killsChange(): Promise<boolean> {
      await setValue(key, makeCanary('killed'));
      const words = ['run', '--silent', 'pulumi', '--', 'up', '--yes', '--skip-preview'];
      const child = target.checkout.start(
        'npm',
        [...words, '--stack', target.stack],
        target.environment,
      );
      child.stdin?.end();
      const said: string[] = [];
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      }
      const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
      await appearing(child.pid ?? 0, /pulumi up /u, ended);
      while (!/ creat(?:ing|ed)| updat(?:ing|ed) \(| replac/u.test(said.join('')) && !ended()) {
        await sleep(10);
      }
      const below = descendants(child.pid ?? 0).filter(({ command }) =>
        / up |plugins/u.test(command),
      );
      const hit = !ended() && below.length > 0;
      for (const { pid } of below) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended meanwhile.
        }
      }
      target.checkout.printed.push(...said);
      return hit;
    }

    it('converges after a kill -9 in the middle of a change', async () => {
      const places = await target.places();
      // A busy machine may see the change when it is over.
      for (let tries = 0; !(await killsChange()); tries += 1) assert.ok(tries < 4, 'it was over');
      await up();
      await reads();
      assert.deepEqual(await target.places(), places);
    });

    it('shows no value in what was printed or logged', async () => {
      const printed = target.checkout.printed.join('\n');
      assert.ok(printed.length > 1000);
      assert.deepEqual(leaks(printed, set), []);
      for (const [name, text] of target.logs()) assert.deepEqual(leaks(text, set), [], name);
    });

    it('takes everything with it when it is destroyed', async () => {
      assert.ok((await target.places()).length > 0);
      await pulumi(['config', 'set', '--type', 'bool', 'protect', 'false']);
      await up();
      const { code, stdout, stderr } = await start('destroy');
      assert.equal(code, 0, stdout + stderr);
      assert.deepEqual(await target.places(), []);
    });
  });
}
