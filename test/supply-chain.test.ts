/** What is installed and built, and by which checksums: lockfile, Go modules, Python packages, pages. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { billOf, goDirectories, materialsOf, requirementFiles } from '../operations/supply/bill.ts';
import { checksumsIn, requiredModules } from '../operations/supply/go-modules.ts';
import { pythonPackages } from '../operations/supply/requirements.ts';

const project = process.cwd();
const { packages } = materialsOf(project);
const npm = packages.filter(({ ecosystem }) => ecosystem === 'npm');

interface Bill {
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string };
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly purl: string;
    readonly hashes?: readonly object[];
    readonly properties?: readonly { readonly name: string }[];
  }[];
  readonly dependencies: readonly {
    readonly ref: string;
    readonly dependsOn?: readonly string[];
  }[];
}

describe('the supply chain', () => {
  it('runs no program at an install but those that package.json lists', () => {
    const { allowScripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const scripted = npm.filter(({ installScript }) => installScript).map(({ name }) => name);
    assert.deepEqual([...new Set(scripted)].sort(), Object.keys(allowScripts).sort());
    // `node` brings its own binary; what the others do nobody needs.
    const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
    assert.deepEqual(allowed, ['node']);
  });

  it('has a SHA-512 of every npm package in the lockfile, and none from elsewhere than the registry', () => {
    const { packages: entries } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }>;
    };
    const places = Object.entries(entries).filter(([path]) => path !== '');
    assert.ok(places.length > 300);
    for (const [path, { resolved, integrity, link }] of places) {
      // Named by nothing but its version: no git, no file, no address.
      assert.equal(resolved, undefined, path);
      assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
      assert.notEqual(link, true, path);
    }
    assert.equal(npm.length, places.length);
  });

  it('has the checksum of every Go module that it builds, and of its go.mod', () => {
    const directories = goDirectories(project);
    assert.ok(directories.length >= 7);
    for (const directory of directories) {
      const sums = checksumsIn(readFileSync(join(directory, 'go.sum'), 'utf8'));
      const goMod = readFileSync(join(directory, 'go.mod'), 'utf8');
      assert.ok(requiredModules(goMod).length > 0, directory);
      for (const [, sum] of sums) assert.match(sum, /^[A-Za-z0-9+/]{43}=$/);
    }
    const modules = packages.filter(({ ecosystem }) => ecosystem === 'golang');
    assert.ok(modules.length > 500);
    for (const { name, version, hash, usedBy } of modules) {
      assert.match(hash?.[1] ?? '', /^[0-9a-f]{64}$/, `${usedBy}: ${name} ${version}`);
    }
  });

  it('has the hash of every Python package, and a version for each', () => {
    const files = requirementFiles(project);
    assert.ok(files.length >= 4);
    for (const path of files) {
      const found = pythonPackages(project, path);
      const named = readFileSync(path, 'utf8').match(/^[A-Za-z0-9]\S*==/gmu) ?? [];
      assert.ok(named.length > 0, path);
      assert.equal(found.length, named.length, path);
      for (const { name, fileHashes = [] } of found)
        assert.ok(fileHashes.length > 0, `${path}: ${name}`);
    }
  });

  describe('as a bill of materials', () => {
    const text = billOf(project);
    const bill = JSON.parse(text) as Bill;

    it('is CycloneDX 1.6, by its own schema, strictly', async () => {
      const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
      assert.equal(await validator.validate(text), null);
      const wrong = text.replace('"type": "library"', '"type": "lib"');
      assert.notEqual(await validator.validate(wrong), null, 'the control');
    });

    it('names every package once, with a checksum, and what it needs', () => {
      const refs = bill.components.map((component) => component['bom-ref']);
      const keys = packages.map(
        ({ ecosystem, name, version }) => `${ecosystem}:${name}@${version}`,
      );
      assert.deepEqual(refs.toSorted(), [...new Set(keys)].sort());
      for (const { purl, hashes = [], properties = [] } of bill.components) {
        const files = properties.filter(({ name }) => name === 'hummingbot-secrets:file');
        assert.ok(hashes.length + files.length > 0, purl);
      }
      const needs = new Map(bill.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
      const { dependencies, devDependencies } = JSON.parse(
        readFileSync('package.json', 'utf8'),
      ) as {
        dependencies: Record<string, string>;
        devDependencies: Record<string, string>;
      };
      const direct = Object.entries({ ...dependencies, ...devDependencies });
      assert.deepEqual(
        needs.get('hummingbot-secrets')?.toSorted(),
        direct.map(([name, version]) => `npm:${name}@${version}`).sort(),
      );
      for (const [, each] of needs) for (const ref of each) assert.ok(needs.has(ref), ref);
    });

    it('is the same again but for its serial number and time', () => {
      const same = (json: string): string =>
        json.replace(/"serialNumber": ".*"/u, '').replace(/"timestamp": ".*"/u, '');
      const again = billOf(project);
      assert.notEqual(again, text);
      assert.equal(same(again), same(text));
    });
  });

  describe('as the pages tell it', () => {
    const list = readFileSync('docs/supply-chain.md', 'utf8');
    /** `| tool | least version | ... |` */
    const least = new Map(
      [...list.matchAll(/^\| ([A-Z`a-z][^|]*?) \| ([\d.]+) \|/gmu)].map(
        ([, name = '', version]) => [name.replaceAll('`', ''), version],
      ),
    );
    const pages = [
      'README.md',
      ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.md') && !path.startsWith('decisions'))
        .map((path) => join('docs', path)),
    ];

    it('asks for one version of each tool, the one of docs/supply-chain.md', () => {
      assert.ok(least.size >= 8);
      const names = [...least.keys()].map((name) => name.replaceAll(/[.+]/gu, '\\$&')).join('|');
      const asked = new RegExp(
        `(${names})[\`*]{0,2}(?:,? run| controller)? (?:>= ?v?(\\d[\\d.]*\\d)|v?(\\d[\\d.]*\\d) or newer)`,
        'gu',
      );
      let seen = 0;
      for (const page of pages) {
        for (const [, name = '', older, newer] of readFileSync(page, 'utf8').matchAll(asked)) {
          assert.equal(older ?? newer, least.get(name), `${page}: ${name}`);
          seen += 1;
        }
      }
      assert.ok(seen >= 8, `${seen}`);
    });

    it('gives the checksums of what it builds itself as the go.sum of each has them', () => {
      const sums = goDirectories(project).flatMap((directory) => [
        ...checksumsIn(readFileSync(join(directory, 'go.sum'), 'utf8')),
      ]);
      const known = new Map(sums);
      const given = [...list.matchAll(/`(\S+ v[\d.]+)` \| `h1:([\w+/]+=)`/gu)];
      assert.ok(given.length >= 6);
      for (const [, name = '', sum] of given) assert.equal(known.get(name), sum, name);
    });
  });
});
