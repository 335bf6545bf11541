import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contextOf } from '../../policies/context.ts';

describe('what the policies know of a stack', () => {
  const directory = mkdtempSync(join(tmpdir(), 'context-'));
  after(() => rmSync(directory, { recursive: true }));
  const put = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  afterEach(() => delete process.env.PULUMI_OPTION_CONFIG_FILE);

  it('is what its file says', () => {
    const { environment, stack, protected: kept } = contextOf('staging', '.');
    assert.deepEqual([stack, environment, kept], ['staging', 'staging', false]);
    assert.ok(contextOf('prod', '.').protected);
  });

  it('is what the file says that Pulumi reads', () => {
    put(
      'x.yaml',
      'config:\n  hummingbot-secrets:protect: "false"\n  hummingbot-secrets:environment: dev\n',
    );
    process.env.PULUMI_OPTION_CONFIG_FILE = join(directory, 'x.yaml');
    const context = contextOf('mine', directory);
    assert.deepEqual([context.environment, context.protected], ['dev', false]);
  });

  for (const [name, text] of [
    ['no file', undefined],
    ['no YAML', 'a: ['],
    ['no config', 'x: 1'],
  ] as const) {
    it(`is the stricter of two where there is ${name}`, () => {
      if (text !== undefined) put('Pulumi.mine.yaml', text);
      const context = contextOf('mine', directory);
      assert.deepEqual([context.environment, context.protected], ['mine', true]);
    });
  }
});
