/** What git is asked, by the real git in a work tree of its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { notIgnored } from '../../settings/git.ts';
import { leaks, makeCanary } from '../canary.ts';
import { ToolRecord } from '../tool-record.ts';

describe('what git would ignore', () => {
  const tree = realpathSync(mkdtempSync(join(tmpdir(), 'git-')));
  const paths = ['out', 'shown'].map((name) => join(tree, name, 'values'));
  const { PATH = '' } = process.env;
  const value = makeCanary('config');

  before(() => {
    execFileSync('git', ['init', '--quiet'], { cwd: tree });
    writeFileSync(join(tree, '.gitignore'), 'out/\n');
  });
  afterEach(() => {
    process.env.PATH = PATH;
    delete process.env.PULUMI_CONFIG;
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
  });
  after(() => rmSync(tree, { recursive: true }));

  it('is told from what it would show', () => {
    assert.deepEqual(notIgnored(paths), { paths: paths.slice(1) });
  });

  it('is asked of a git that is told no value', () => {
    const git = new ToolRecord(execFileSync('which', ['git'], { encoding: 'utf8' }).trim());
    process.env.PATH = [git.directory, PATH].join(delimiter);
    process.env.PULUMI_CONFIG = JSON.stringify({ 'hummingbot-secrets:trading': value });
    process.env.PULUMI_CONFIG_PASSPHRASE = value;
    try {
      assert.deepEqual(notIgnored(paths), { paths: paths.slice(1) });
      const [words, variables] = [git.arguments(), git.environments()];
      assert.match(words, /\ncheck-ignore\n/u, 'the control: git was recorded');
      assert.match(variables, /^PATH=/mu, 'the control: with its environment');
      assert.deepEqual(leaks(words + variables, new Map([['value', value]])), []);
    } finally {
      git.remove();
    }
  });

  it('says why when git cannot be asked', () => {
    process.env.PATH = tree;
    assert.deepEqual(notIgnored(paths), { reason: 'no git on PATH' });
  });
});
