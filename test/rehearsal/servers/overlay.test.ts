/** The trial of an overlay mount says what it found, and leaves nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { overlayWorks } from '../../../rehearsal/servers/overlay.ts';

const onOverlay = `
cd "$1" && mkdir lower upper work merged &&
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged &&
exec "$2" -e 'import(process.argv[1]).then((m) => console.log(m.overlayWorks(process.argv[2])))' "$3" "$1/merged"
`;

describe('the trial of an overlay mount', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('leaves neither a mount nor a file, whatever it says', () => {
    assert.equal(typeof overlayWorks(folder), 'boolean');
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(folder), false);
  });

  it('says no on an overlay, as in a container', function () {
    if (!overlayWorks(folder)) this.skip();
    const module = join(import.meta.dirname, '../../../rehearsal/servers/overlay.ts');
    const words = ['sh', folder, process.execPath, module];
    const unshare = spawnSync('unshare', ['--mount', 'sh', '-c', onOverlay, ...words]);
    assert.equal(unshare.stdout.toString().trim(), 'false', unshare.stderr.toString());
  });
});
