/** docs/security.md claims nothing by a test that does not exist. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = readFileSync('docs/security.md', 'utf8');
const [, model = ''] = page.split('| attack | mitigation | proven by |');
const rows = (model.split('\n\n')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));

/** Titles of a test file: what `it` and `describe` are given as a literal. */
function titlesOf(path: string): ReadonlySet<string> {
  const calls = readFileSync(path, 'utf8').matchAll(
    /\b(?:it|describe)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`)/gu,
  );
  return new Set([...calls].map(([, one, two, three]) => one ?? two ?? three ?? ''));
}

describe('the security page', () => {
  it('proves each attack by a test that there is, by its title', () => {
    assert.ok(rows.length >= 15);
    let seen = 0;
    for (const row of rows) {
      const [, attack = '', mitigation = '', proofs = ''] =
        row.split(' | ').length === 3 ? ['', ...row.split(' | ')] : [];
      assert.ok(attack !== '' && mitigation !== '' && proofs !== '', row);
      for (const proof of proofs.replace(/ \|$/u, '').split('; [')) {
        const [, path = '', title = ''] = /\]\(\.\.\/([^)]+)\): (.+)$/u.exec(proof) ?? [];
        assert.ok(existsSync(path), proof);
        assert.ok(titlesOf(path).has(title), `${path}: ${title}`);
        seen += 1;
      }
    }
    assert.ok(seen >= rows.length);
    assert.ok(!titlesOf('test/e2e/leaks.e2e.ts').has('no such title'), 'the control');
  });

  it('is named by SECURITY.md, which says how to report', () => {
    const policy = readFileSync('SECURITY.md', 'utf8');
    assert.match(policy, /Report a vulnerability/);
    for (const [, path = ''] of policy.matchAll(/\]\(([^)]+)\)/gu))
      assert.ok(existsSync(path), path);
  });

  it('gives the commands of a file that an end-to-end test runs', () => {
    const [, path = ''] = /\(\.\.\/(examples\/change-passphrase\.sh)\)/u.exec(page) ?? [];
    assert.ok(existsSync(path));
    assert.match(
      readFileSync(join('test', 'e2e', 'own-keys.e2e.ts'), 'utf8'),
      new RegExp(path, 'u'),
    );
  });
});
