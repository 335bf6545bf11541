/** Images that are made here: the same bytes each time, so the same digest. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { botImage, makeImage } from '../../rehearsal/images/images.ts';

describe('an image that is made here', () => {
  const folder = mkdtempSync(join(tmpdir(), 'images-'));

  before(function () {
    if (!existsSync('/bin/busybox') && !existsSync('/usr/bin/busybox')) this.skip();
  });

  after(() => rmSync(folder, { recursive: true }));

  it('has the same digest each time, and it is that of its manifest', () => {
    const first = makeImage(botImage, join(folder, 'a'));
    const second = makeImage(botImage, join(folder, 'b'));
    assert.equal(first.reference, second.reference);
    assert.deepEqual(readFileSync(first.path), readFileSync(second.path));
    const [, digest = ''] = first.reference.split('@sha256:');
    const blob = spawnSync('tar', ['-xOf', first.path, `./blobs/sha256/${digest}`]).stdout;
    assert.equal(createHash('sha256').update(blob).digest('hex'), digest);
  });
});
