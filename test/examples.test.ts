/** The examples are prod, but for what each is an example of. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { project } from './program-run.ts';

/** What each has otherwise than prod. */
const others: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'Pulumi.swarm.yaml': { targets: ['swarm'], storageClass: '' },
  'Pulumi.vault.yaml': { targets: ['vault'] },
};

function configOf(path: string): Record<string, unknown> {
  return (parse(readFileSync(path, 'utf8')) as { config: Record<string, unknown> }).config;
}

describe('the examples', () => {
  for (const [name, settings] of Object.entries(others)) {
    it(`${name} is prod with other ${Object.keys(settings).join(', ')}`, () => {
      const wanted = configOf('Pulumi.prod.yaml');
      for (const [setting, value] of Object.entries(settings)) {
        wanted[`${project}:${setting}`] = value;
      }
      const found = configOf(`examples/${name}`);
      assert.deepEqual(found, wanted);
      assert.deepEqual(Object.keys(found), Object.keys(wanted));
    });
  }
});
