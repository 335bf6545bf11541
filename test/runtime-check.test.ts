import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a Node of another version would do; the check reads nothing but the version. */
function runWith(version: string): { readonly status: number | null; readonly stderr: string } {
  const directory = mkdtempSync(join(tmpdir(), 'runtime-check-'));
  try {
    const pretend = join(directory, 'pretend.cjs');
    const versions = `{ ...process.versions, node: '${version}' }`;
    writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    const args = ['--require', pretend, '--require', './runtime-check.cjs', '-e', '0'];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('a too old Node', () => {
  for (const version of ['18.20.0', '20.20.2', '22.17.1']) {
    it(`${version} ends in one line that says what to do`, () => {
      const { status, stderr } = runWith(version);
      assert.equal(status, 1);
      assert.equal(
        stderr,
        `hummingbot-secrets: got Node ${version}; allowed: Node >= 22.18; ` +
          'fix: run it through npm after `npm ci` (npm start, npm run pulumi -- up), which brings Node 24\n',
      );
    });
  }

  it('is none from 22.18 on', () => {
    for (const version of ['22.18.0', '24.0.0']) assert.equal(runWith(version).status, 0);
  });

  it('is the first thing that the program, the plugin and the commands look at', async () => {
    const { readFileSync } = await import('node:fs');
    assert.match(
      readFileSync('main.js', 'utf8'),
      /^(?:\/\/.*\n)*import '\.\/runtime-check\.cjs';\n/,
    );
    assert.match(
      readFileSync('plugins/hummingbot/pulumi-resource-hummingbot', 'utf8'),
      /--require .*runtime-check\.cjs/,
    );
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    // Whoever sees a value leaves no core file either (test/e2e/core-files.e2e.ts).
    for (const name of [
      'start',
      'pulumi',
      'import',
      'restore',
      'doctor',
      'inventory',
      'drift',
      'rehearse',
    ])
      assert.match(
        scripts[name] ?? '',
        /^prlimit --core=1 --pid \$\$ 2>\/dev\/null \|\| ulimit -c 0; exec node --require \.\/runtime-check\.cjs /,
      );
  });
});
