import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askManifests } from '../../../operations/census/manifests.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { keyFacts } from '../doctor/case.ts';

const tag = 'aaaaaaaaaa';
const canary = makeCanary('manifest');
const path = 'encrypted/trading.yaml';

describe('what is asked of a folder for git', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'census-'));
    mkdirSync(join(directory, 'encrypted'));
    write(path, `${tag} whole`);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function write(name: string, text: string): void {
    writeFileSync(join(directory, name), text);
  }

  function asked(documents: ReadonlyMap<string, string> = new Map([[path, `${tag} whole`]])) {
    const look = (text: string) =>
      text.startsWith('clear')
        ? undefined
        : { tag: text.slice(0, 10), keys: ['kraken_api_key'], recipients: ['age1x'] };
    const found = askManifests({
      place: {
        target: 'x',
        stack: 'prod',
        shown: 'gitops/prod',
        directory,
        tags: { trading: tag },
        recipients: ['age1x'],
      },
      target: { manifest: () => ({ path, look }) },
      keys: [keyFacts('kraken_api_key')],
      groups: [{ group: 'trading', keys: ['kraken_api_key'], tag }],
      documents,
    });
    assert.deepEqual(leaks(JSON.stringify(found), new Map([['canary', canary]])), []);
    for (const { cause, fix } of found.drifts) assert.ok(cause !== '' && fix !== '');
    return {
      ...found,
      kinds: found.drifts.map(({ kind, place, found: got }) => `${kind} ${place}: ${got}`),
    };
  }

  it('is a document a group, its tag and who can open it', () => {
    const { sightings, kinds } = asked();
    assert.deepEqual(kinds, []);
    assert.deepEqual(
      sightings.map(({ place, tag: each, readers }) => [place, each, readers]),
      [
        [
          `gitops/prod/${path}`,
          tag,
          [{ who: 'recipient age1x', by: 'its key opens it', live: true }],
        ],
      ],
    );
  });

  it('finds what is gone, not encrypted, of another tag, edited, and unknown', () => {
    write(path, `${tag} edited`);
    assert.deepEqual(asked().kinds, [`changed gitops/prod/${path}: another text`]);
    write(path, 'bbbbbbbbbb');
    assert.deepEqual(asked().kinds, [`other tag gitops/prod/${path}: tag bbbbbbbbbb`]);
    write(path, `clear ${canary}`);
    assert.deepEqual(asked().kinds, [
      `changed gitops/prod/${path}: something that is not encrypted`,
    ]);
    rmSync(join(directory, path));
    write(`encrypted/${canary}.yaml`, canary);
    write('encrypted/copy.yaml', canary);
    assert.deepEqual(asked().kinds.slice(0, 1), [`missing gitops/prod/${path}: no such file`]);
    assert.equal(asked().kinds.filter((line) => line.startsWith('unknown ')).length, 2);
  });
});
