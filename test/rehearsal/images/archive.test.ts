/** Images that are made here: the same bytes each time, so the same digest. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageArchive, makeArchive } from '../../../rehearsal/images/archive.ts';

describe('an archive of an image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'images-'));

  after(() => rmSync(folder, { recursive: true }));

  function archive(name: string, content: string, seconds: number): ImageArchive {
    const root = join(folder, name, 'root');
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'bin', 'program'), content);
    utimesSync(join(root, 'bin', 'program'), seconds, seconds);
    const names = { name: 'rehearsal.invalid/some/image:tag', workingDirectory: '/home' };
    const spec = { ...names, environment: ['PATH=/bin'], command: ['/bin/program'] };
    return makeArchive(spec, root, join(folder, name));
  }

  function blob({ path }: ImageArchive, digest: string): Buffer {
    const name = `./blobs/sha256/${digest.replace('sha256:', '')}`;
    return spawnSync('tar', ['-xOf', path, name]).stdout;
  }

  it('has the same bytes each time, whenever its files were written', () => {
    const first = archive('a', 'one', 1);
    const second = archive('b', 'one', 2);
    assert.equal(first.reference, second.reference);
    assert.deepEqual(readFileSync(first.path), readFileSync(second.path));
    assert.notEqual(archive('c', 'other', 1).reference, first.reference);
  });

  it('is named by the digest of its manifest, and its parts by theirs', () => {
    const image = archive('d', 'one', 1);
    const [name, digest = ''] = image.reference.split('@');
    assert.equal(name, 'rehearsal.invalid/some/image');
    const manifest = JSON.parse(blob(image, digest).toString());
    for (const each of [digest, manifest.config.digest, manifest.layers[0].digest]) {
      const hash = createHash('sha256').update(blob(image, each)).digest('hex');
      assert.equal(`sha256:${hash}`, each);
    }
    const config = JSON.parse(blob(image, manifest.config.digest).toString());
    assert.deepEqual(config.rootfs.diff_ids, [manifest.layers[0].digest]);
    assert.deepEqual(config.config, {
      Env: ['PATH=/bin'],
      Cmd: ['/bin/program'],
      WorkingDir: '/home',
    });
  });

  it('leaves nothing beside it but the root', () => {
    const { path } = archive('e', 'one', 1);
    assert.equal(path, join(folder, 'e', 'image.tar'));
    assert.deepEqual(
      spawnSync('ls', [join(folder, 'e')], { encoding: 'utf8' }).stdout.split('\n'),
      ['image.tar', 'root', ''],
    );
  });
});
