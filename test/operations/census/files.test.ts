/** Every kind of drift that a folder can have, by the targets that write files. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { entryOf, type SecretKey } from '../../../components/catalog.ts';
import type { FileTarget } from '../../../components/delivery/delivery.ts';
import { targetNames, targetOf } from '../../../components/delivery/targets.ts';
import { askFiles } from '../../../operations/census/files.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { keyFacts } from '../doctor/case.ts';

const used: readonly SecretKey[] = ['kraken_api_key', 'kraken_secret_key', 'postgres_password'];
const keys = [...used.map((key) => keyFacts(key)), keyFacts('coinbase_passphrase', 'left out')];
const values = new Map(used.map((key) => [key, makeCanary(key)]));
const tags = new Map(used.map((key) => [`${entryOf(key).group}.${key}`, 'aaaaaaaaaa']));
const stranger = makeCanary('stranger');

for (const name of targetNames.filter((each) => targetOf(each).kind === 'files')) {
  const target = targetOf(name) as FileTarget;

  describe(`what is asked of the folder of ${name}`, () => {
    let directory: string;
    const asked = (more: Partial<Parameters<typeof askFiles>[0]> = {}) => {
      const place = { target: name, stack: 'dev', shown: 'out/dev', directory };
      const found = askFiles({ place, target, keys, values, tags, ...more });
      const all = new Map([...values, ['stranger', stranger]]);
      assert.deepEqual(leaks(JSON.stringify(found), all), []);
      return found;
    };
    const kinds = () =>
      asked().drifts.map(({ kind, place, found }) => `${kind} ${place}: ${found}`);
    const pathOf = (key: SecretKey): string => target.trace({ key, entry: entryOf(key) }).path;
    const [path, other] = [pathOf('kraken_api_key'), pathOf('postgres_password')];

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'census-'));
      const texts = new Map<string, string>();
      for (const [key, value] of values) {
        const { part } = target.trace({ key, entry: entryOf(key) });
        texts.set(pathOf(key), (texts.get(pathOf(key)) ?? '') + (part?.(value) ?? ''));
      }
      for (const [file, text] of texts) write(file, text);
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    function write(file: string, text: string): void {
      const { mode } = target.trace({ key: 'kraken_api_key', entry: entryOf('kraken_api_key') });
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      rmSync(join(directory, file), { force: true });
      writeFileSync(join(directory, file), text, { mode: Number.parseInt(mode, 8) });
    }

    it('is each key, its tag, since when, and who may read it, and no drift', () => {
      const { sightings, drifts, unasked } = asked();
      assert.deepEqual([drifts, unasked], [[], []]);
      assert.deepEqual(
        sightings.flatMap((each) => each.keys),
        used,
      );
      for (const { tag, since, readers, place } of sightings) {
        assert.equal(tag, 'aaaaaaaaaa');
        assert.match(since ?? '', /^\d{4}-.*Z$/);
        assert.equal(readers.length, 1);
        assert.match(`${readers[0]?.who} ${readers[0]?.by}`, /^user \S+ mode 0[46]00$/);
        assert.ok(place.startsWith('out/dev/'));
      }
    });

    it('finds a loosened mode, and who may read then', () => {
      chmodSync(join(directory, path), 0o644);
      const { drifts, sightings } = asked();
      assert.deepEqual(
        drifts.map(({ kind, found, fix }) => [kind, found, fix]),
        [['changed', 'mode 0644', 'npm start -- --stack dev']],
      );
      assert.match(drifts[0]?.cause ?? '', /loosened/);
      const who = sightings
        .find((each) => each.place.endsWith(path))
        ?.readers.map((each) => each.who);
      assert.ok(who?.includes('everybody on this machine'));
    });

    it('finds a file that is gone, and one that is no file', () => {
      rmSync(join(directory, path));
      assert.match(kinds().join(), new RegExp(`^missing out/dev/${path}: no such file$`));
      symlinkSync('/etc/hostname', join(directory, path));
      assert.match(kinds().join(), new RegExp(`^changed out/dev/${path}: something that cannot`));
    });

    it('finds a value that somebody edited, and claims no tag for it', () => {
      write(path, stranger);
      const { drifts, sightings } = asked();
      assert.ok(drifts.length > 0);
      for (const { kind, found } of drifts) {
        assert.equal(kind, 'changed');
        assert.match(found, /^another value of kraken_api_key/);
      }
      const seen = sightings.find((each) => each.keys[0] === 'kraken_api_key');
      assert.equal(seen?.tag, undefined);
    });

    it('finds what somebody added to a file', () => {
      const { part } = target.trace({ key: 'kraken_api_key', entry: entryOf('kraken_api_key') });
      if (part === undefined) return;
      const whole = used
        .filter((key) => pathOf(key) === other)
        .map((key) => {
          return target.trace({ key, entry: entryOf(key) }).part?.(values.get(key) ?? '') ?? '';
        });
      write(other, `${whole.join('')}X=${stranger}\n`);
      const [drift, ...more] = asked().drifts;
      assert.deepEqual(more, []);
      assert.equal(drift?.kind, 'changed');
      assert.match(drift?.found ?? '', /^(?:more than that|another value of postgres_password)$/);
    });

    it('says nothing of values that were set since: that is one finding of its own', () => {
      const { drifts, sightings } = asked({ values: new Map() });
      assert.deepEqual(drifts, []);
      assert.equal(sightings[0]?.tag, undefined);
    });

    for (const folder of target.claims.filter((claim) => claim.endsWith('/'))) {
      it(`finds in ${folder} what is unknown, left behind or half written`, () => {
        const left = pathOf('coinbase_passphrase');
        write(`${folder}mine/token`, stranger);
        write(`${folder}${stranger}`, 'x');
        write(left, stranger);
        write(`${path}.tmp`, stranger);
        assert.deepEqual(
          kinds().sort(),
          [
            `stale out/dev/${left}: a file of a key that the stack does not use`,
            `stale out/dev/${path}.tmp: what a killed run left`,
            `unknown out/dev/${folder}mine/token: a file that the stack does not know`,
            `unknown out/dev/a name that is not shown (${folder.length + stranger.length} characters): a file that the stack does not know`,
          ].sort(),
        );
        for (const { cause, fix } of asked().drifts) assert.ok(cause !== '' && fix !== '');
      });
    }
  });
}
