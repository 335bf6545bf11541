/** Under which licences that stands which users and developers install, as the lockfile says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/** Those that ask for no more than to be named. */
const allowed = [
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'MIT OR Apache-2.0',
  'BlueOak-1.0.0',
  'ISC',
  'PSF-2.0',
  'Python-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '(BSD-3-Clause AND Apache-2.0)',
  'CC-BY-3.0',
  'CC0-1.0',
  'Unlicense',
  '0BSD',
];

/** Others, by package: what each is taken for stands in CONTRIBUTING.md. */
const exceptions: Readonly<Record<string, string>> = {
  // "SEE LICENSE IN LICENSE": MIT, in that file.
  'node_modules/@logdna/tail-file': 'SEE LICENSE IN LICENSE',
  // Unchanged, and in tests alone.
  'node_modules/axe-core': 'MPL-2.0',
  'node_modules/@cloud-copilot/iam-policy': 'AGPL-3.0-or-later',
  'node_modules/@cloud-copilot/iam-simulate': 'AGPL-3.0-or-later',
  'node_modules/@cloud-copilot/iam-utils': 'AGPL-3.0-or-later',
};

/** @returns packages under a licence that is not on the list, with it */
function others(locked: Readonly<Record<string, Locked>>): readonly string[] {
  return Object.entries(locked).flatMap(([path, { license = 'none' }]) =>
    path === '' || allowed.includes(license) || exceptions[path] === license
      ? []
      : [`${path}: ${license}`],
  );
}

describe('the licences of what is installed', () => {
  it('are on the list', () => {
    assert.deepEqual(others(packages), []);
    assert.ok(Object.keys(packages).length > 300);
  });

  it('(a package of another one, or of none, would be named)', () => {
    const strange = { 'node_modules/x': { license: 'GPL-3.0' }, 'node_modules/y': {} };
    assert.deepEqual(others(strange), ['node_modules/x: GPL-3.0', 'node_modules/y: none']);
  });

  it('that ask for more are of development alone, and no exception is left over', () => {
    for (const [path, license] of Object.entries(exceptions)) {
      assert.equal(packages[path]?.license, license, path);
      if (license.startsWith('AGPL')) assert.equal(packages[path]?.dev, true, path);
    }
  });
});
