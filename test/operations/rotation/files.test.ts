import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { rehearsalFolder, rehearsalVariable } from '../../../operations/engine/workspace.ts';
import {
  journalPath,
  ledgerPath,
  loadJournal,
  loadLedger,
  storeJournal,
  storeRecord,
} from '../../../operations/rotation/files.ts';
import type { Journal } from '../../../operations/rotation/journal.ts';
import { confirmationOf } from '../../../operations/rotation/record.ts';

describe('the files of a rotation', () => {
  const stack = `files-test-${process.pid}`;
  const own = process.env[rehearsalVariable];
  const by = { at: '2026-11-27T10:00:00.000Z', who: 'someone', why: '' };
  const record = (id: string) =>
    confirmationOf({ id, key: 'trading.binance_api_key', revoke: 'old' }, stack, by);
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  // Below the folder of a rehearsal, so that nothing of this checkout's own is touched.
  beforeEach(() => {
    process.env[rehearsalVariable] = stack;
  });
  afterEach(() => {
    rmSync(rehearsalFolder(stack), { recursive: true, force: true });
    if (own === undefined) delete process.env[rehearsalVariable];
    else process.env[rehearsalVariable] = own;
  });

  const journal: Journal = {
    kept: [
      {
        id: 'abc',
        begun: by.at,
        keys: [{ path: 'trading.binance_api_key', old: 'v1:a', new: 'v1:b' }],
        items: [{ id: 'abc-1', key: 'trading.binance_api_key', revoke: 'old' }],
      },
    ],
  };

  it('are the journal, which its owner alone may read, and what a kill left beside it goes', () => {
    assert.deepEqual(loadJournal(stack), { kept: [] });
    const path = journalPath(stack);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.4711.tmp`, '{"kept":[');
    storeJournal(stack, journal);
    assert.deepEqual(loadJournal(stack), journal);
    assert.equal(mode(path), '600');
    assert.deepEqual(readdirSync(dirname(path)), [`${stack}.json`]);
  });

  it('are never thrown away when they cannot be read', () => {
    storeJournal(stack, journal);
    for (const text of ['', '{"kept":', '{"other":1}']) {
      writeFileSync(journalPath(stack), text);
      assert.throws(() => loadJournal(stack), /\.json: got no journal of a rotation; .*; fix: /u);
      assert.equal(readFileSync(journalPath(stack), 'utf8'), text);
    }
  });

  it('are the ledger, for whoever has the tree, in which a record stands once', () => {
    assert.deepEqual(loadLedger(stack).entries, []);
    storeRecord(stack, record('abc-1'));
    storeRecord(stack, record('abc-2'));
    storeRecord(stack, record('abc-1'));
    const path = ledgerPath(stack);
    assert.equal(readFileSync(path, 'utf8').trimEnd().split('\n').length, 2);
    assert.equal(mode(path), '644');
    assert.equal(mode(dirname(path)), '755');
    assert.equal(loadLedger(stack).heads.length, 1);
  });

  it('say in one line where the ledger is broken, and nothing is added to it then', () => {
    storeRecord(stack, record('abc-1'));
    storeRecord(stack, record('abc-2'));
    const path = ledgerPath(stack);
    const text = readFileSync(path, 'utf8').replace('someone', 'nobody');
    writeFileSync(path, text);
    assert.throws(
      () => storeRecord(stack, record('abc-3')),
      /\.jsonl line 1: got an entry that was changed; allowed: [^\n]+; fix: git log -p [^\n]+$/u,
    );
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.ok(!existsSync(journalPath(stack)));
  });
});
