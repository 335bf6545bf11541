/** Whose directory it is: docs/decisions/0007. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileResource } from '../../../plugins/hummingbot/file.ts';
import { type Properties, unwrap } from '../../../plugins/provider-server.ts';

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const nobody = 65_534;

describe('directories of a File', () => {
  let project: string;
  let file: FileResource;
  const at = (path: string): string => join(project, 'out', path);
  const inputs = (path = 'dev/secrets/key') => ({
    root: 'out',
    path,
    content: 'x',
    mode: '0400',
  });
  const create = async (path?: string): Promise<Properties> =>
    unwrap((await file.create(inputs(path))).outs) as Properties;
  const read = async (state: Properties): Promise<Properties> =>
    unwrap((await file.read('id', state)).props) as Properties;
  const update = async (state: Properties): Promise<Properties> =>
    unwrap((await file.update('id', state, inputs(String(state.path)))).outs) as Properties;
  const changes = async (state: Properties): Promise<boolean | undefined> =>
    (await file.diff('id', state, inputs(String(state.path)))).changes;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'directories-'));
    file = new FileResource(project);
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  it('that drifted are seen by a refresh, and mended by the next up', async () => {
    for (const [name, drifted] of [
      ['dev', 0o755],
      ['dev/secrets', 0o777],
      ['dev/secrets', 0o500],
    ] as const) {
      const state = await create();
      chmodSync(at(name), drifted);
      const seen = await read(state);
      assert.deepEqual(seen.directories, {
        dev: '0700',
        'dev/secrets': '0700',
        [name]: drifted.toString(8).padStart(4, '0'),
      });
      assert.equal(await changes(seen), true);
      const mended = await update(seen);
      assert.deepEqual([mode(at('dev')), mode(at('dev/secrets'))], ['700', '700']);
      assert.deepEqual(await read(mended), mended);
      assert.equal(await changes(mended), false);
    }
  });

  it('that drifted are mended and known for ours also when the file is gone too', async () => {
    const state = await create();
    chmodSync(at('dev/secrets'), 0o755);
    rmSync(at('dev/secrets/key'));
    const seen = await read(state);
    assert.equal(await changes(seen), true);
    await file.delete('id', await update(seen));
    assert.deepEqual(readdirSync(at('')), []);
  });

  it('that were barred by a lost mode are mended, or removed, as any other', async function () {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot && process.seteuid === undefined) this.skip();
    if (isRoot) {
      chownSync(project, nobody, nobody);
      process.seteuid?.(nobody);
    }
    try {
      const state = await create();
      chmodSync(at('dev'), 0o600);
      const seen = await read(state);
      assert.deepEqual(seen.directories, { dev: '0600' });
      assert.equal(await changes(seen), true);
      const mended = await update(seen);
      assert.deepEqual(mended, state);
      chmodSync(at('dev'), 0o600);
      await file.delete('id', mended);
      assert.deepEqual(readdirSync(at('')), []);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('are removed by the last file to leave, whoever made them and in whatever order', async () => {
    const paths = ['dev/secrets/a', 'dev/secrets/b', 'dev/c'];
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const states = await Promise.all(paths.map(create));
      for (const index of order) {
        assert.ok(existsSync(at('dev')));
        // A process of its own for each: only the state and the disk know.
        await new FileResource(project).delete('id', states[index] ?? {});
      }
      assert.deepEqual(readdirSync(at('')), []);
    }
    const together = await Promise.all(paths.map(create));
    await Promise.all(together.map((state) => file.delete('id', state)));
    assert.deepEqual(readdirSync(at('')), []);
  });

  it('are removed after a kill between making them and the state', async () => {
    mkdirSync(at('dev/secrets'), { recursive: true, mode: 0o700 });
    await file.delete('id', await create());
    assert.deepEqual(readdirSync(at('')), []);
  });

  it('stay when they hold anything else, even ours', async () => {
    const state = await create();
    writeFileSync(at('dev/secrets/mine'), 'kept');
    await file.delete('id', state);
    assert.deepEqual(readdirSync(at('dev/secrets')), ['mine']);
  });

  for (const [what, others] of [
    ['with files of the user', ['notes']],
    ['without any', []],
  ] as const) {
    it(`keep the mode and the life that the user gave them, ${what}`, async () => {
      mkdirSync(at('dev'), { recursive: true });
      chmodSync(at('dev'), 0o750);
      for (const name of others) writeFileSync(at(`dev/${name}`), 'kept');
      const state = await create();
      assert.deepEqual(state.directories, { 'dev/secrets': '0700' });
      assert.equal(mode(at('dev')), '750');
      chmodSync(at('dev'), 0o755);
      const seen = await read(state);
      assert.deepEqual(seen, state);
      assert.equal(await changes(seen), false);
      await update(seen);
      await file.delete('id', seen);
      assert.equal(mode(at('dev')), '755');
      assert.deepEqual(readdirSync(at('dev')), [...others]);
    });
  }

  it('of another owner are not ours, whatever their mode', async function () {
    if (process.geteuid?.() !== 0) this.skip();
    mkdirSync(at('dev'), { recursive: true, mode: 0o700 });
    chownSync(at('dev'), nobody, nobody);
    const state = await create();
    assert.deepEqual(state.directories, { 'dev/secrets': '0700' });
    await file.delete('id', state);
    assert.deepEqual(readdirSync(at('')), ['dev']);
  });

  it('that others may write are refused, with the command that mends them', async () => {
    for (const theirs of [0o770, 0o707, 0o1777]) {
      mkdirSync(at('dev/secrets'), { recursive: true });
      chmodSync(at('dev/secrets'), theirs);
      await assert.rejects(
        create(),
        /^PluginError: out\/dev\/secrets\/key: dev\/secrets may be written by others \(\d{4}\); allowed: .*; fix: chmod go-w it and run again$/,
      );
      assert.deepEqual(readdirSync(at('dev/secrets')), []);
      assert.equal(statSync(at('dev/secrets')).mode & 0o7777, theirs);
    }
  });

  it('behind a link are followed below the root, and neither changed nor removed', async () => {
    mkdirSync(at('real'), { recursive: true, mode: 0o700 });
    symlinkSync(at('real'), at('dev'));
    const state = await create();
    assert.deepEqual(state.directories, { 'dev/secrets': '0700' });
    assert.equal(readFileSync(at('real/secrets/key'), 'utf8'), 'x');
    chmodSync(at('real'), 0o755);
    assert.equal(await changes(await read(state)), false);
    await file.delete('id', state);
    assert.equal(mode(at('real')), '755');
    assert.deepEqual(readdirSync(at('')).sort(), ['dev', 'real']);
  });

  it('never are the root, nor anything above it', async () => {
    mkdirSync(at(''), { mode: 0o755 });
    chmodSync(at(''), 0o755);
    chmodSync(project, 0o755);
    const state = await create('key');
    assert.deepEqual(state.directories, {});
    await update(await read(state));
    await file.delete('id', state);
    const deep = await create();
    assert.deepEqual([mode(at('')), mode(project)], ['755', '755']);
    chmodSync(at(''), 0o777);
    assert.equal(await changes(await read(deep)), false);
    await file.delete('id', deep);
    assert.equal(mode(at('')), '777');
    assert.deepEqual(readdirSync(at('')), []);
  });
});
