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
  [
    /^components\/delivery\//,
    /^(?:components\/(?:catalog|values)\.ts|components\/delivery\/|plugins\/hummingbot\/resources\.ts)/,
  ],
  [
    /^components\/consumers\//,
    /^(?:components\/catalog\.ts|components\/delivery\/delivery\.ts|plugins\/hummingbot\/resources\.ts)/,
  ],
  [
    /^settings\//,
    /^(?:settings\/|components\/(?:catalog|shape)\.ts|components\/delivery\/targets\.ts)/,
  ],
  [
    /^settings\.ts$/,
    /^(?:settings\/|components\/(?:catalog|shape)\.ts|components\/delivery\/targets\.ts)/,
  ],
  [/^plugins\//, /^(?:plugins\/|engine-watch\.cjs)/],
  [/^operations\/engine\//, /^operations\/engine\//],
  [
    /^operations\/rehearse\.ts$/,
    /^(?:operations\/engine\/|components\/(?:catalog|shape)\.ts|settings\/mistake\.ts|rehearsal\/)/,
  ],
  [
    /^operations\/[^/]+\.ts$/,
    /^(?:operations\/engine\/|components\/(?:catalog|shape)\.ts|settings\/mistake\.ts)/,
  ],
  [
    /^rehearsal\/[^/]+\.ts$/,
    /^(?:rehearsal\/|operations\/engine\/|components\/(?:catalog|shape)\.ts)/,
  ],
  [/^rehearsal\//, /^(?:rehearsal\/|plugins\/provider-server\.ts|operations\/engine\/)/],
];

/** Where the same words name something else: Pulumi's providers, tools and servers. */
const otherWords = /^(?:components\/delivery|rehearsal|operations\/engine)\//u;

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
    for (const path of sources.filter((each) => !otherWords.test(each))) {
      const text = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gmu, '');
      assert.doesNotMatch(text, /'env-file'/, path);
    }
  });
});
