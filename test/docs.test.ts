import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { groupNames, isSecretKey, secretKeys } from '../components/catalog.ts';
import { targetNames } from '../components/delivery/targets.ts';
import { catalogPage, readme } from '../operations/docs.ts';

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...listFiles('docs', '.md'),
  ...listFiles('examples', '.md'),
];

function listFiles(directory: string, end: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(end))
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

  it('gives no checksum of a Go module but that of the version that is rehearsed', () => {
    const sums = listFiles('rehearsal/tools', 'go.sum').map((path) => readFileSync(path, 'utf8'));
    const lines = new Set(sums.flatMap((text) => text.split('\n')));
    const given = pages.flatMap((page) => [
      ...readFileSync(page, 'utf8').matchAll(/(\S+)\s(v[\d.]+)\s(h1:[\w+/]+=)/gu),
    ]);
    assert.ok(given.length >= 3);
    for (const [, module = '', ...rest] of given) {
      const line = [module.replace(/^`/u, ''), ...rest].join(' ');
      assert.ok(lines.has(line), line);
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

  it('has blocks of shell that a shell can read', () => {
    const blocks = pages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gmu)].map(
        ([, block = '']) => [page, block] as const,
      ),
    );
    assert.ok(blocks.length > 30);
    for (const [page, input] of blocks) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input, encoding: 'utf8' });
      assert.equal(status, 0, `${page}: ${stderr}\n${input}`);
    }
    assert.notEqual(spawnSync('sh', ['-n'], { input: 'npm start -- "' }).status, 0, 'the control');
  });

  it('sets no setting, key or target that does not exist', () => {
    const { config } = parse(readFileSync('Pulumi.yaml', 'utf8')) as { config: object };
    let seen = 0;
    for (const page of pages) {
      for (const [line, path = '', value = ''] of readFileSync(page, 'utf8').matchAll(
        /config set (?:--secret |--path |--type bool )*'?([a-z][\w.[\]]*)'? ?([\w-]*)/giu,
      )) {
        const [name = '', key] = path.split(/[.[]/u);
        assert.ok(name in config, `${page}: ${line}`);
        if (groupNames.some((each) => each === name))
          assert.ok(key !== undefined && isSecretKey(key), `${page}: ${line}`);
        if (name === 'targets')
          assert.ok(
            targetNames.some((each) => each === value),
            line,
          );
        seen += 1;
      }
    }
    assert.ok(seen > 30);
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
