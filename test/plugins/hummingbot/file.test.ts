import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
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
import { unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';

const canary = makeCanary('file');
const mode = (path: string): number => statSync(path).mode & 0o7777;

describe('File', () => {
  let project: string;
  let file: FileResource;
  const root = () => join(project, 'out');
  const target = () => join(project, 'out/dev/secrets/key');
  const inputs = (more: Record<string, unknown> = {}) => ({
    root: 'out',
    path: 'dev/secrets/key',
    content: canary,
    mode: '0400',
    ...more,
  });
  const state = (more: Record<string, unknown> = {}) => ({
    ...inputs(),
    directories: { dev: '0700', 'dev/secrets': '0700' },
    ...more,
  });
  const refuses = async (act: () => Promise<unknown>, reason: RegExp): Promise<void> => {
    await assert.rejects(act, (error: Error) => {
      assert.match(error.message, reason);
      assert.ok(!error.message.includes('\n') && !error.stack?.includes('    at '));
      assert.deepEqual(leaks(error.message, new Map([['file', canary]])), []);
      return true;
    });
  };

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'file-'));
    file = new FileResource(project);
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  it('writes content and mode exactly, whatever the umask, in directories of 0700', async () => {
    for (const umask of [0o000, 0o022, 0o777]) {
      const before = process.umask(umask);
      try {
        const { id, outs } = await file.create(inputs());
        assert.equal(id, 'out/dev/secrets/key');
        assert.deepEqual(unwrap(outs), state());
      } finally {
        process.umask(before);
      }
      assert.equal(readFileSync(target(), 'utf8'), canary);
      assert.equal(mode(target()), 0o400);
      for (const directory of ['out/dev', 'out/dev/secrets']) {
        assert.equal(mode(join(project, directory)), 0o700);
      }
      await file.delete('', inputs());
      rmSync(root(), { recursive: true });
    }
  });

  it('marks the content as secret on its way back', async () => {
    const { outs } = await file.create(inputs());
    assert.notEqual(outs.content, canary);
    assert.equal(typeof outs.content, 'object');
    const { inputs: checked } = await file.check({}, inputs());
    assert.equal(typeof checked.content, 'object');
  });

  it('never shows a half-written file, and leaves no temporary one', async () => {
    const long = [`${'a'.repeat(2_000_000)}`, `${'b'.repeat(2_000_000)}`];
    await file.create(inputs({ content: long[0] }));
    let seen = 0;
    let done = false;
    const watch = (async () => {
      while (!done) {
        const text = readFileSync(target(), 'utf8');
        assert.ok(text === long[0] || text === long[1], `${text.length} characters`);
        seen += 1;
        await new Promise((settle) => setImmediate(settle));
      }
    })();
    for (let at = 0; at < 20; at++) await file.update('', {}, inputs({ content: long[at % 2] }));
    done = true;
    await watch;
    assert.ok(seen > 20);
    assert.deepEqual(readdirSync(join(root(), 'dev/secrets')), ['key']);
  });

  it('clears away what a killed write left behind', async () => {
    mkdirSync(join(root(), 'dev/secrets'), { recursive: true, mode: 0o700 });
    writeFileSync(join(root(), 'dev/secrets/key.tmp'), 'half');
    await file.create(inputs());
    assert.deepEqual(readdirSync(join(root(), 'dev/secrets')), ['key']);
    writeFileSync(join(root(), 'dev/secrets/key.tmp'), 'half');
    await file.delete('', inputs());
    assert.ok(!existsSync(join(root(), 'dev')));
  });

  it('finds what a killed run has made by its place alone, and removes what it was writing', async () => {
    const place = { root: inputs().root, path: inputs().path };
    assert.deepEqual(await file.read('id', place), {});
    await file.create(inputs());
    writeFileSync(join(root(), 'dev/secrets/key.tmp'), 'half');
    const { props } = await file.read('id', place);
    assert.deepEqual(unwrap(props), state());
    assert.deepEqual(readdirSync(join(root(), 'dev/secrets')), ['key']);
    writeFileSync(join(root(), 'dev/secrets/key.tmp'), 'half');
    rmSync(target());
    assert.deepEqual(await file.read('id', place), {});
    assert.deepEqual(readdirSync(join(root(), 'dev/secrets')), []);
  });

  it('sees deletion, changed content and changed mode at a refresh', async () => {
    await file.create(inputs());
    const same = await file.read('id', inputs());
    assert.deepEqual(unwrap(same.props), state());
    assert.deepEqual(unwrap(same.inputs), inputs());
    chmodSync(target(), 0o644);
    writeFileSync(target(), 'other');
    const changed = await file.read('id', inputs());
    assert.deepEqual(unwrap(changed.props), state({ content: 'other', mode: '0644' }));
    assert.equal((await file.diff('id', inputs({ content: 'other' }), inputs())).changes, true);
    rmSync(target());
    assert.deepEqual(await file.read('id', inputs()), {});
    rmSync(root(), { recursive: true });
    assert.deepEqual(await file.read('id', inputs()), {});
    writeFileSync(root(), 'a file in place of the root');
    assert.deepEqual(await file.read('id', inputs()), {});
  });

  it('takes a symbolic link in place of the file for a deletion, and replaces the link itself', async () => {
    await file.create(inputs());
    rmSync(target());
    writeFileSync(join(project, 'elsewhere'), 'untouched');
    symlinkSync(join(project, 'elsewhere'), target());
    assert.deepEqual(await file.read('id', inputs()), {});
    await file.create(inputs());
    assert.ok(lstatSync(target()).isFile());
    assert.equal(readFileSync(join(project, 'elsewhere'), 'utf8'), 'untouched');
  });

  it('does not follow a symbolic link out of its root, not to write, read or delete', async () => {
    mkdirSync(join(project, 'victim/secrets'), { recursive: true });
    writeFileSync(join(project, 'victim/secrets/key'), 'untouched');
    mkdirSync(root());
    symlinkSync(join(project, 'victim'), join(root(), 'dev'));
    await refuses(
      () => file.create(inputs()),
      /out\/dev\/secrets\/key: dev is a symbolic link out of the root; .*fix: /,
    );
    await refuses(() => file.read('id', inputs()), /symbolic link/);
    await refuses(() => file.delete('id', inputs()), /symbolic link/);
    assert.equal(readFileSync(join(project, 'victim/secrets/key'), 'utf8'), 'untouched');
  });

  it('does not make what a dangling link points to', async () => {
    mkdirSync(root());
    symlinkSync(join(project, 'nowhere'), join(root(), 'dev'));
    await refuses(() => file.create(inputs()), /symbolic link to nowhere/);
    assert.ok(!existsSync(join(project, 'nowhere')));
  });

  it('follows a link inside of its root, and a root that is a link itself', async () => {
    mkdirSync(join(project, 'disk/real'), { recursive: true });
    symlinkSync(join(project, 'disk'), root());
    symlinkSync(join(project, 'disk/real'), join(root(), 'dev'));
    await file.create(inputs());
    assert.equal(readFileSync(join(project, 'disk/real/secrets/key'), 'utf8'), canary);
  });

  it('deletes the file and the directories that are empty then, and nothing else', async () => {
    await file.create(inputs());
    await file.create(inputs({ path: 'dev/other' }));
    await file.delete('id', inputs());
    assert.deepEqual(readdirSync(join(root(), 'dev')), ['other']);
    await file.delete('id', inputs());
    await file.delete('id', inputs({ path: 'dev/other' }));
    assert.deepEqual(readdirSync(root()), []);
  });

  it('says in one line that a directory is in its place', async () => {
    mkdirSync(target(), { recursive: true });
    await refuses(
      () => file.create(inputs()),
      /^out\/dev\/secrets\/key: EISDIR; a directory is in its place; fix: /,
    );
    await refuses(() => file.delete('', inputs()), /a directory is in its place/);
    assert.deepEqual(readdirSync(join(root(), 'dev/secrets')), ['key']);
  });

  it('says in one line that a file is where a directory should be', async () => {
    mkdirSync(root());
    writeFileSync(join(root(), 'dev'), '');
    await refuses(() => file.create(inputs()), /dev is not a directory/);
  });

  const bad: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ path: '../key' }, 'path'],
    [{ path: '/etc/key' }, 'path'],
    [{ path: 'a//b' }, 'path'],
    [{ path: 'a/./b' }, 'path'],
    [{ path: '' }, 'path'],
    [{ mode: '400' }, 'mode'],
    [{ mode: '0999' }, 'mode'],
    [{ content: 7 }, 'content'],
    [{ root: undefined }, 'root'],
  ];
  for (const [more, property] of bad) {
    it(`refuses ${JSON.stringify(more)} at check`, async () => {
      const { failures } = await file.check({}, inputs(more));
      assert.deepEqual(
        failures?.map((each) => each.property),
        [property],
      );
    });
  }

  it('updates in place for content and mode, and moves for root and path', async () => {
    const diff = async (more: Record<string, unknown>) =>
      await file.diff('', inputs(), inputs(more));
    assert.deepEqual(await diff({}), { changes: false, replaces: [] });
    assert.deepEqual(await diff({ content: 'x' }), { changes: true, replaces: [] });
    assert.deepEqual(await diff({ mode: '0600' }), { changes: true, replaces: [] });
    // The same place in another spelling: created first and deleted last, it would be gone.
    for (const root of ['out/', './out', join(project, 'out')]) {
      assert.deepEqual(await diff({ root }), { changes: true, replaces: [] });
    }
    assert.deepEqual(await diff({ path: 'b' }), { changes: true, replaces: ['path'] });
  });
});
