import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { secretKeys } from '../components/catalog.ts';
import { catalogPage, readme } from '../operations/docs.ts';

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...listMarkdown('docs')];

function listMarkdown(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join(directory, path));
}

describe('the documentation', () => {
  it('has a page of the catalog that is not stale (npm run docs)', () => {
    const page = readFileSync('docs/catalog.md', 'utf8');
    assert.equal(page, catalogPage());
    for (const key of secretKeys) assert.ok(page.includes(`\`${key}\``));
  });

  it('has a settings table in README.md that is not stale (npm run docs)', () => {
    const text = readFileSync('README.md', 'utf8');
    assert.equal(text, readme(text));
  });

  it('has no link to a file that does not exist', () => {
    for (const page of pages) {
      for (const [, target] of readFileSync(page, 'utf8').matchAll(
        /\]\((?!https?:|#)([^)#\s]+)/gu,
      )) {
        assert.ok(existsSync(join(dirname(page), target ?? '')), `${page}: ${target}`);
      }
    }
  });

  it('names no npm script that does not exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    for (const page of pages) {
      for (const [, name] of readFileSync(page, 'utf8').matchAll(
        /npm run (?:-s |--silent )?([a-z0-9]+)/gu,
      )) {
        assert.ok(name !== undefined && name in scripts, `${page}: npm run ${name}`);
      }
    }
  });

  it('justifies every dependency in a line of CONTRIBUTING.md, each pinned exactly', () => {
    const text = readFileSync('CONTRIBUTING.md', 'utf8');
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
      assert.ok(new RegExp(`\\| \`${name}\` +\\|`).test(text), name);
    }
  });
});
