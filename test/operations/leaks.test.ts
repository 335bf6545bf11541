import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAllowed } from '../../operations/leaks/allowed.ts';
import { parseRequest, reportOf } from '../../operations/leaks.ts';

describe('npm run leaks', () => {
  it('reads its flags, and repeats no word that it does not know', () => {
    assert.deepEqual({ ...parseRequest([]) }, { staged: false, history: false });
    assert.equal(parseRequest(['--staged']).staged, true);
    assert.equal(parseRequest(['--history']).history, true);
    for (const words of [['--staged', '--history'], ['hunter2'], ['--token=hunter2']]) {
      assert.throws(
        () => parseRequest(words),
        /^CommandError: leaks: got other words than one of its flags; allowed: npm run leaks -- \[--staged \| --history\]$/,
      );
    }
  });

  it('prints a line a finding, and then what to do', () => {
    const finding = {
      path: 'a.txt',
      line: 3,
      rule: 'github-token',
      fingerprint: 'abc:3:github-token',
    };
    assert.equal(reportOf([finding])[0], 'a.txt:3: github-token  abc:3:github-token');
    const odd = { ...finding, path: 'a\n\u001b[2Jb' };
    assert.equal(reportOf([odd])[0], 'a??[2Jb:3: github-token  abc:3:github-token');
    assert.match(reportOf([finding]).join('\n'), /1 finding\. Revoke/);
  });

  it('takes fingerprints with a reason for no leaks, and no line without one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'allowed-'));
    const path = join(folder, '.leaks-allowed');
    try {
      assert.equal(readAllowed(path).size, 0);
      writeFileSync(
        path,
        '# why\n\nabc:3:github-token  an example of the vendor\ndef:1:value of dev.x  y\n',
      );
      assert.deepEqual([...readAllowed(path)], ['abc:3:github-token', 'def:1:value of dev.x']);
      for (const [line, got] of [
        ['abc:3:github-token', 'no reason'],
        ['github-token  y', 'no fingerprint'],
      ]) {
        writeFileSync(path, `${line}\n`);
        assert.throws(() => readAllowed(path), new RegExp(`line 1: got ${got};`, 'u'));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is what the hook runs before a commit', () => {
    const { status, stderr } = spawnSync('sh', ['-n', '.githooks/pre-commit'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  });
});
