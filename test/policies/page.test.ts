import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rules } from '../../policies/rules.ts';
import { mutants } from '../mutants/judge.ts';
import { rulesTable } from '../mutants/page.ts';
import { sourceMutants } from '../mutants/source-mutants.ts';

describe('the page of the policies', () => {
  const page = readFileSync('docs/policies.md', 'utf8');

  it('has every rule as it is (npm run mutants)', () => {
    assert.ok(page.includes(rulesTable()));
    for (const path of ['README.md', 'CHANGELOG.md']) {
      assert.ok(readFileSync(path, 'utf8').includes(`${rules.length} rules`), path);
    }
  });

  it('has every mutant, and somebody who notices at least 95 % of them', () => {
    const all = [...mutants, ...sourceMutants];
    for (const { control } of all) assert.ok(page.includes(`| ${control} |`), control);
    const nobody = page.split('**nobody**').length - 1;
    assert.ok(1 - nobody / all.length >= 0.95);
  });

  it('takes each control from a text that stands once in its file', () => {
    for (const { file, from, to, control } of sourceMutants) {
      assert.equal(readFileSync(file, 'utf8').split(from).length, 2, control);
      assert.notEqual(from, to);
    }
  });
});
