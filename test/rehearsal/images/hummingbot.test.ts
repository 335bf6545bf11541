/** What the bot's image is made of: all of it pinned by hash. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { botImage, newestRelease, olderRelease } from '../../../rehearsal/images/hummingbot.ts';

const folder = 'rehearsal/images/hummingbot';

describe("the bot's image", () => {
  it('is made of packages that are pinned by version and hash, each one', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
    assert.equal(files.length, 4);
    for (const file of files) {
      const text = readFileSync(join(folder, file), 'utf8').replaceAll('\\\n', ' ');
      const lines = text.split('\n').filter((line) => line.trim() !== '' && line[0] !== '#');
      for (const line of lines) {
        assert.match(line, /^[\w.-]+==\S+\s+(?:--hash=sha256:[0-9a-f]{64}\s*)+$/u, file);
      }
    }
  });

  it('is made of releases of Hummingbot whose pins are there', () => {
    for (const release of [newestRelease, olderRelease]) {
      const pin = readFileSync(join(folder, `hummingbot-${release}.txt`), 'utf8');
      assert.ok(pin.startsWith(`hummingbot==${release} `));
    }
  });

  it("has the official image's working directory, and its Python first on PATH", () => {
    assert.equal(botImage.workingDirectory, '/home/hummingbot');
    assert.match(botImage.environment.join('\n'), /^PATH=\/home\/hummingbot\/\.venv\/bin:/mu);
  });
});
