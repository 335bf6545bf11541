import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { preparePolicyPack } from '../../../operations/engine/policy-pack.ts';
import { workspace } from '../../../operations/engine/workspace.ts';

describe('the policy pack', () => {
  const home = mkdtempSync(join(tmpdir(), 'pack-'));
  const own = Object.getOwnPropertyDescriptor(workspace, 'home');
  before(() => Object.defineProperty(workspace, 'home', { value: home, configurable: true }));
  after(() => {
    if (own !== undefined) Object.defineProperty(workspace, 'home', own);
    rmSync(home, { recursive: true });
  });
  const cli = { bin: '', version: '3.270.0' };

  it("is a folder that the vendor's Pulumi starts by itself", () => {
    const directory = preparePolicyPack({ ...cli, official: true });
    assert.equal(
      parse(readFileSync(join(directory, 'PulumiPolicy.yaml'), 'utf8')).runtime,
      'nodejs',
    );
    assert.ok(existsSync(join(directory, 'main.cjs')));
    assert.ok(!existsSync(join(home, 'plugins')));
  });

  it('is started by a script of its runtime where the engine is self-built, without the config', () => {
    const directory = preparePolicyPack({ ...cli, official: false });
    const { runtime } = parse(readFileSync(join(directory, 'PulumiPolicy.yaml'), 'utf8'));
    const plugin = `analyzer-policy-${runtime}`;
    const script = join(home, 'plugins', `${plugin}-v0.1.0`, `pulumi-${plugin}`);
    assert.ok((statSync(script).mode & 0o111) !== 0);
    const lines = readFileSync(script, 'utf8').split('\n');
    assert.ok(
      lines.indexOf('unset PULUMI_CONFIG') < lines.findIndex((line) => line.startsWith('exec ')),
    );
    assert.equal(spawnSync('sh', ['-n', script]).status, 0);
  });

  it('leaves the script alone when it is right', () => {
    preparePolicyPack({ ...cli, official: false });
    const script = join(
      home,
      'plugins/analyzer-policy-hummingbot-v0.1.0/pulumi-analyzer-policy-hummingbot',
    );
    const { ino } = statSync(script);
    preparePolicyPack({ ...cli, official: false });
    assert.equal(statSync(script).ino, ino);
  });

  it('is the same version everywhere', () => {
    for (const folder of ['policies', 'policies/self-built']) {
      const { version, main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      assert.deepEqual([version, main], ['0.1.0', 'main.cjs']);
    }
  });
});
