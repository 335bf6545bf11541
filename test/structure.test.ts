/** The pipeline is the folder tree: data flows one way. Lint forbids cycles; this, going back. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const folders = ['components', 'settings', 'plugins', 'operations', 'rehearsal'];
const sources = [
  'index.ts',
  'settings.ts',
  ...folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(folder, path)),
  ),
];

function importsOf(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/from '(\.[^']+)'/gu)].map(([, target]) =>
    join(dirname(path), target ?? ''),
  );
}

/** What a stage may import from, beside itself. */
const allowed: readonly (readonly [RegExp, RegExp])[] = [
  [/^components\/(?:catalog|shape)\.ts$/, /^components\/(?:catalog|shape)\.ts$/],
  [/^components\/values\.ts$/, /^components\/(?:catalog|shape)\.ts$/],
  [/^components\/(?:systems|labels)\.ts$/, /^components\/catalog\.ts$/],
  // An operator's own access is a part of the way that it carries.
  [
    /^components\/delivery\//,
    /^(?:components\/(?:catalog|values|systems|labels)\.ts|components\/(?:delivery|access)\/|plugins\/hummingbot\/resources\.ts)/,
  ],
  [
    /^components\/access\//,
    /^(?:components\/(?:catalog|systems|labels)\.ts|components\/access\/|components\/delivery\/(?:delivery|aws-rules)\.ts)/,
  ],
  [
    /^components\/consumers\//,
    /^(?:components\/(?:catalog|systems|labels)\.ts|components\/delivery\/delivery\.ts|plugins\/hummingbot\/resources\.ts)/,
  ],
  [/^components\/in-cluster\.ts$/, /^components\/(?:access|consumers)\//],
  [
    /^components\/guards\.ts$/,
    /^(?:components\/systems\.ts|plugins\/hummingbot\/(?:resources|get-deleted-secrets)\.ts|settings\/mistake\.ts)/,
  ],
  [
    /^settings(?:\/.*)?\.ts$/,
    /^(?:settings\/|components\/(?:catalog|shape|systems|values)\.ts|components\/delivery\/targets\.ts)/,
  ],
  [/^plugins\//, /^(?:plugins\/|engine-watch\.cjs)/],
  [/^operations\/engine\//, /^operations\/engine\//],
  [
    /^operations\/[^/]+\.ts$/,
    /^(?:operations\/engine\/|components\/(?:catalog|shape)\.ts|settings\/mistake\.ts)/,
  ],
  [/^rehearsal\//, /^(?:rehearsal\/|plugins\/provider-server\.ts|operations\/engine\/)/],
];

describe('the structure', () => {
  for (const path of sources.filter((each) => each !== 'index.ts')) {
    it(`${path} imports only what stands before it`, () => {
      const rule = allowed.find(([stage]) => stage.test(path));
      assert.ok(rule !== undefined, 'no rule for this file');
      for (const target of importsOf(path)) assert.match(target, rule[1]);
    });
  }

  it('has files of a size that one reads', () => {
    for (const path of sources) {
      const lines = readFileSync(path, 'utf8').split('\n');
      assert.ok(lines.length <= 500, `${path}: ${lines.length} lines`);
    }
  });

  it('names a target nowhere but in its file and in the list', () => {
    for (const path of sources.filter((each) => !each.startsWith('components/delivery/'))) {
      const text = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gmu, '');
      assert.doesNotMatch(text, /'(?:env-file|aws-secrets-manager)'/, path);
    }
  });
});
