import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Automaton } from '../../../operations/engine/output/automaton.ts';
import { patternsOf } from '../../../operations/engine/output/value-forms.ts';
import { readAllowed } from '../../../operations/leaks/allowed.ts';
import { Repository } from '../../../operations/leaks/repository.ts';
import { type Finding, Scan } from '../../../operations/leaks/scan.ts';
import {
  type Search,
  searchHistory,
  searchStaged,
  searchTree,
} from '../../../operations/leaks/search.ts';
import { reportOf } from '../../../operations/leaks.ts';
import { makeCanary } from '../../canary.ts';
import { mixed, plantedLeaks } from './planted.ts';

const planted = plantedLeaks();
const identity = [
  '-c',
  'user.name=x',
  '-c',
  'user.email=x@localhost',
  '-c',
  'core.hooksPath=/dev/null',
];

describe('the search for leaks', () => {
  let directory: string;
  let repository: Repository;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'leaks-'));
    repository = new Repository(directory);
    git('init', '-q');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function git(...words: readonly string[]): void {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')),
    );
    const { status, stderr } = spawnSync('git', [...identity, ...words], {
      cwd: directory,
      env,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  }

  function write(path: string, text: string | Buffer): void {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }

  function commit(message = 'more'): void {
    git('add', '-f', '-A');
    git('commit', '-q', '-m', message);
  }

  /** Each planted one by its file, its line and its rule. */
  function assertAll({ findings }: Search, shown: (path: string) => boolean): void {
    const missing = planted.filter(
      ({ path, rule, line }) =>
        !findings.some(
          (each) => each.path.split(' in ')[0] === path && each.rule === rule && each.line === line,
        ),
    );
    assert.deepEqual(
      missing.map(({ path, rule, line }) => `${path}:${line} ${rule}`),
      [],
    );
    assert.ok(findings.every(({ path }) => shown(path)));
  }

  it(`finds ${planted.length} leaks of different kinds, by file, line and rule, and shows nothing of them`, async () => {
    assert.ok(planted.length >= 40);
    for (const { path, text } of planted) write(path, text);
    git('add', '-f', '-A');
    const staged = await searchStaged(repository);
    assertAll(staged, () => true);
    assertAll(await searchTree(repository), () => true);
    // In a commit, gone since, and only in the history.
    git('commit', '-q', '-m', 'all of them');
    git('rm', '-q', '-r', '.');
    git('commit', '-q', '-m', 'none of them');
    assert.equal((await searchTree(repository)).findings.length, 0);
    assert.equal((await searchStaged(repository)).findings.length, 0);
    assertAll(await searchHistory(repository), (path) => path.includes(' in '));
    const report = reportOf(staged.findings).join('\n');
    for (const { text, rule } of planted.filter((each) => each.rule !== 'private-file')) {
      const words = text.toString('latin1').match(/[A-Za-z0-9+/]{16,}/gu) ?? [];
      for (const word of words) assert.ok(!report.includes(word.slice(0, 8)), rule);
    }
  });

  it('finds no leak where there is none: this repository, with all its history', async function () {
    if (!existsSync('.git')) this.skip();
    this.timeout(60_000);
    const own = new Repository(process.cwd());
    const tree = await searchTree(own);
    const history = await searchHistory(own, undefined, ['HEAD']);
    const allowed = readAllowed('.leaks-allowed');
    const found = [...tree.findings, ...history.findings].filter(
      ({ fingerprint }) => !allowed.has(fingerprint),
    );
    assert.deepEqual(
      found.map(({ path, line, rule }) => `${path}:${line} ${rule}`),
      [],
    );
    assert.ok(tree.count > 500);
  });

  it('finds it on another branch, in a stash, in a message, in a tag and behind a link', async () => {
    write('a', 'a');
    commit(`a message with ghp_${mixed(36)}`);
    git('switch', '-q', '-c', 'other');
    write('b', `ghp_${mixed(36)}`);
    commit();
    git('switch', '-q', '-');
    write('a', `ghp_${mixed(36)}`);
    git('stash', '-q');
    git('tag', '-a', 'one', '-m', `ghp_${mixed(36)}`);
    symlinkSync(`/x/ghp_${mixed(36)}`, join(directory, 'link'));
    const found = [
      ...(await searchHistory(repository)).findings,
      ...(await searchTree(repository)).findings,
    ];
    const kinds = found.map(({ path }) => path.replace(/ (?:in )?[0-9a-f]{12}$/u, '')).sort();
    assert.deepEqual([...new Set(kinds)], ['a', 'b', 'commit', 'link', 'tag']);
  });

  it('looks at what is staged, not at what lies in the working tree', async () => {
    write('a', 'clean');
    commit();
    write('a', `ghp_${mixed(36)}`);
    assert.equal((await searchStaged(repository)).findings.length, 0);
    git('add', 'a');
    write('a', 'clean again');
    const [finding] = (await searchStaged(repository)).findings;
    assert.match(finding?.path ?? '', /^a in [0-9a-f]{12}$/);
  });

  it('leaves alone what is encrypted, a placeholder, a reference or code', async () => {
    const secure = `secure: v1:${mixed(16)}:${mixed(64)}`;
    write(
      'Pulumi.dev.yaml',
      `config:\n  hummingbot-secrets:trading:\n    binance_api_key:\n      ${secure}\n  hummingbot-secrets:environment: dev\n`,
    );
    write(
      'secret.yaml',
      `kind: Secret\ndata:\n  a: ENC[AES256_GCM,data:${mixed(20)}]\n  binance_api_key: ENC[AES256_GCM,data:${mixed(20)}]\n`,
    );
    write(
      'sealed.yaml',
      `kind: SealedSecret\nspec:\n  encryptedData:\n    kraken_api_key: AgB${mixed(700)}\n`,
    );
    write('.env.example', 'BINANCE_API_KEY=your_binance_api_key\n');
    write(
      'a.ts',
      'const x = { binance_api_key: config.require("binance_api_key") };\nposts(`postgres://bot:${password}@db/x`);\n',
    );
    write(
      'b.sh',
      'POSTGRES_PASSWORD="$(cat /run/secrets/postgres_password)"\nBINANCE_API_KEY_FILE=/run/secrets/binance_api_key\n',
    );
    write(
      'c.yaml',
      'CONFIG_PASSWORD: ${CONFIG_PASSWORD:?set it}\nabsent: /PASSPHRASE:|secrets: inherit/u\nsha: 0123456789012345678901234567890123456789\n',
    );
    commit();
    assert.deepEqual((await searchHistory(repository)).findings, []);
    assert.deepEqual((await searchTree(repository)).findings, []);
  });

  it("finds the stack's own values in every encoding, and says whose", async () => {
    const value = `${makeCanary('own')}"'`;
    const values = new Automaton(patternsOf(new Map([['prod.trading.kraken_api_key', value]])));
    const bytes = Buffer.from(value);
    const forms = [
      value,
      bytes.toString('base64'),
      Buffer.from(`a${value}`).toString('base64url'),
      bytes.toString('hex'),
      encodeURIComponent(value),
      JSON.stringify(value),
      bytes.toString('base64').replaceAll(/.{20}/gu, '$&\n  '),
    ];
    forms.forEach((form, at) => {
      write(`f${at}`, `first\n${form}\n`);
    });
    commit();
    for (const { findings } of [
      await searchTree(repository, values),
      await searchHistory(repository, values),
    ]) {
      assert.equal(new Set(findings.map(({ path }) => path)).size, forms.length);
      for (const { rule, line } of findings) {
        assert.equal(rule, 'value of prod.trading.kraken_api_key');
        assert.ok(line >= 2);
      }
      assert.ok(!reportOf(findings).join('\n').includes(value.slice(0, 12)));
    }
  });

  it('looks through 24 MB, text and binary, in bounded memory, and at the ends of its pieces', () => {
    const line = Buffer.from(
      `${'just some text of a log, with binance and a : in it '.repeat(2)}\n`,
    );
    const chunk = Buffer.alloc(64 * 1024 - ((64 * 1024) % line.length), line);
    const secret = `ghp_${mixed(36)}`;
    const findings = (bytes: number, fill: Buffer): readonly Finding[] => {
      const scan = new Scan('huge.log');
      for (let size = 0; size < bytes; size += fill.length) scan.take(fill);
      scan.take(Buffer.from(`${secret}\n`));
      return scan.end('0'.repeat(40));
    };
    const before = process.memoryUsage().arrayBuffers;
    const lines = Math.ceil(24_000_000 / chunk.length) * (chunk.length / line.length);
    const [text] = findings(24_000_000, chunk);
    assert.equal(text?.line, lines + 1);
    assert.ok(process.memoryUsage().arrayBuffers - before < 60_000_000);
    assert.equal(findings(10_000_000, Buffer.alloc(64 * 1024)).length, 1);
    // Over the end of a window.
    for (const at of [-50, -20, -1, 0]) {
      const scan = new Scan('x');
      const whole = Buffer.alloc(9 * 1024 * 1024, ' ');
      whole.write(`\n${secret}\n`, 4 * 1024 * 1024 + at);
      scan.take(whole);
      assert.deepEqual(
        scan.end('0'.repeat(40)).map((each) => each.line),
        [2],
      );
    }
  });

  it('asks for a clone where there is none', async () => {
    rmSync(join(directory, '.git'), { recursive: true });
    await assert.rejects(
      searchTree(new Repository(directory)),
      /^CommandError: leaks: got exit code 128 from git ls-files; allowed: a git repository; fix: [^\n]+$/,
    );
  });
});
