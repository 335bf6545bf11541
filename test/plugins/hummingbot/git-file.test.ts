import assert from 'node:assert/strict';
import {
  chmodSync,
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
import { GitFileResource } from '../../../plugins/hummingbot/git-file.ts';
import { secret } from '../../../plugins/provider-server.ts';
import { call } from '../calls.ts';

describe('GitFile', () => {
  let project: string;
  let file: GitFileResource;
  const target = () => join(project, 'gitops/prod/argocd/ksops.yaml');
  const inputs = (more: Record<string, unknown> = {}) => ({
    root: 'gitops',
    path: 'prod/argocd/ksops.yaml',
    content: 'kind: ksops\n',
    ...more,
  });
  const refuses = async (act: () => Promise<unknown>, reason: RegExp): Promise<void> => {
    await assert.rejects(act, (error: Error) => {
      assert.match(error.message, reason);
      assert.ok(!error.message.includes('\n') && !error.stack?.includes('    at '));
      return true;
    });
  };

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'git-file-'));
    file = new GitFileResource(project);
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  it('writes its content, and takes it away with the directories that are empty then', async () => {
    writeFileSync(join(project, 'mine'), '');
    const { id, outs } = await file.create(inputs());
    assert.equal(id, 'gitops/prod/argocd/ksops.yaml');
    assert.deepEqual(outs, inputs());
    assert.equal(readFileSync(target(), 'utf8'), 'kind: ksops\n');
    assert.equal(statSync(target()).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(join(project, 'gitops/prod/argocd')), ['ksops.yaml']);
    writeFileSync(join(project, 'gitops/prod/README.md'), 'mine');
    await file.delete('id', inputs());
    assert.deepEqual(readdirSync(join(project, 'gitops/prod')), ['README.md']);
    rmSync(join(project, 'gitops/prod/README.md'));
    await file.create(inputs());
    await file.delete('id', inputs());
    assert.deepEqual(readdirSync(join(project, 'gitops')), []);
  });

  it('sees no change in modes, which a clone makes others, and one in content', async () => {
    await file.create(inputs());
    chmodSync(target(), 0o600);
    chmodSync(join(project, 'gitops/prod'), 0o775);
    const same = await file.read('id', inputs());
    assert.deepEqual(same.props, inputs());
    await file.update('id', inputs(), inputs({ content: 'b' }));
    assert.equal(readFileSync(target(), 'utf8'), 'b');
    const changed = await file.read('id', inputs());
    assert.deepEqual(changed.props, inputs({ content: 'b' }));
    assert.equal((await file.diff('id', inputs({ content: 'b' }), inputs())).changes, true);
    rmSync(join(project, 'gitops/prod'), { recursive: true });
    assert.deepEqual(await file.read('id', inputs()), {});
    await file.delete('id', inputs());
  });

  it('follows no symbolic link below its root, not to write, read or delete', async () => {
    mkdirSync(join(project, 'victim/argocd'), { recursive: true });
    writeFileSync(join(project, 'victim/argocd/ksops.yaml'), 'untouched');
    mkdirSync(join(project, 'gitops'));
    symlinkSync(join(project, 'victim'), join(project, 'gitops/prod'));
    const reason = /gitops\/prod: got a symbolic link; allowed: a directory; fix: /u;
    await refuses(() => file.create(inputs()), reason);
    await refuses(() => file.read('id', inputs()), reason);
    await refuses(() => file.delete('id', inputs()), reason);
    assert.equal(readFileSync(join(project, 'victim/argocd/ksops.yaml'), 'utf8'), 'untouched');
  });

  it('takes a symbolic link in place of the file for a deletion, and replaces the link itself', async () => {
    await file.create(inputs());
    rmSync(target());
    writeFileSync(join(project, 'elsewhere'), 'untouched');
    symlinkSync(join(project, 'elsewhere'), target());
    assert.deepEqual(await file.read('id', inputs()), {});
    await file.create(inputs());
    assert.equal(readFileSync(join(project, 'elsewhere'), 'utf8'), 'untouched');
    assert.equal(readFileSync(target(), 'utf8'), 'kind: ksops\n');
  });

  it('says in one line what is in its place', async () => {
    mkdirSync(join(project, 'gitops'));
    writeFileSync(join(project, 'gitops/prod'), '');
    await refuses(() => file.create(inputs()), /gitops\/prod: got no directory; allowed: /u);
    rmSync(join(project, 'gitops/prod'));
    mkdirSync(target(), { recursive: true });
    await refuses(
      () => file.create(inputs()),
      /^gitops\/prod\/argocd\/ksops\.yaml: EISDIR; a directory is in its place; fix: /u,
    );
    assert.ok(existsSync(target()));
  });

  for (const path of ['../x', '/etc/x', 'a//b', 'a/./b', '']) {
    it(`refuses path ${JSON.stringify(path)} at check`, async () => {
      const { failures } = await file.check({}, inputs({ path }), call());
      assert.deepEqual(
        failures?.map(({ property }) => property),
        ['path'],
      );
    });
  }

  it('refuses a secret at check: git would keep it for ever', async () => {
    const marked = { content: secret('x') };
    const { failures } = await file.check({}, inputs(), call({ marked }));
    assert.deepEqual(
      failures?.map(({ property, reason }) => `${property}: ${reason}`),
      ['content: got a secret; allowed: what git may keep for ever'],
    );
  });

  it('moves for another place, and not for another spelling of the same', async () => {
    const diff = async (more: Record<string, unknown>) =>
      await file.diff('', inputs(), inputs(more));
    assert.deepEqual(await diff({}), { changes: false, replaces: [] });
    assert.deepEqual(await diff({ root: './gitops/' }), { changes: false, replaces: [] });
    assert.deepEqual(await diff({ root: 'other' }), { changes: true, replaces: ['root'] });
    assert.deepEqual(await diff({ content: 'b' }), { changes: true, replaces: [] });
  });
});
