import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { entryOf, secretKeys } from '../../../components/catalog.ts';
import { gitleaksFile } from '../../../operations/leaks/gitleaks-file.ts';
import { rules } from '../../../operations/leaks/rules.ts';

describe('.gitleaks.toml', () => {
  it('is what the catalog and the rules give today (npm run docs)', () => {
    assert.equal(readFileSync('.gitleaks.toml', 'utf8'), gitleaksFile());
  });

  it('has a rule for every credential of the catalog, by name, and no rule twice', () => {
    const ids = rules.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const names = secretKeys.filter((key) => !/_(?:user|db|chat_id)$/u.test(key));
    for (const key of names) {
      assert.ok(ids.includes(key.replaceAll('_', '-')), key);
      assert.ok(entryOf(key).description.length > 0);
    }
  });

  it('has expressions that RE2 reads: no look-around, no back-reference, no counts above 1000', () => {
    for (const { id, regex, allow = [] } of rules) {
      for (const each of [regex, ...allow]) {
        assert.doesNotMatch(each, /\(\?[=!<]|\\[1-9]|\\[pPkK]/u, id);
        for (const [, count] of each.matchAll(/\{\d*,?(\d+)\}/gu))
          assert.ok(Number(count) <= 1000, id);
      }
    }
  });
});
