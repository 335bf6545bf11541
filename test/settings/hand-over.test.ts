import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { handOverAnnotations, sealedPathOf } from '../../components/delivery/sealed-rules.ts';
import type { TargetName } from '../../components/delivery/targets.ts';
import { checkHandOver } from '../../settings/hand-over.ts';
import { lineOf, type Mistake } from '../../settings/mistake.ts';
import { makeCanary } from '../canary.ts';

describe('handing over what SealedSecrets own', () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'hand-over-'));
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  function check(config: Readonly<Record<string, unknown>>, targets: readonly TargetName[]) {
    const lines: string[] = [];
    const raw = { stack: 'prod', config, stackFile: undefined, projectDirectory: project };
    const found = (mistake: Mistake): void => void lines.push(lineOf(mistake));
    return { handOver: checkHandOver(raw, targets, 'gitops', found), lines };
  }

  /** What an earlier run wrote. */
  function write(group: string, annotations: object, directory = 'gitops/prod'): void {
    const path = join(project, directory, sealedPathOf(group));
    mkdirSync(dirname(path), { recursive: true });
    const template = { metadata: { annotations } };
    writeFileSync(path, JSON.stringify({ kind: 'SealedSecret', spec: { template } }));
  }

  it('is for SealedSecrets that are written for git, and for nothing else', () => {
    const git = { handOver: true, sealedInto: 'git' };
    assert.deepEqual(check(git, ['sealed-secrets']), { handOver: true, lines: [] });
    assert.deepEqual(check({}, ['sealed-secrets']), { handOver: false, lines: [] });
    for (const [config, targets] of [
      [{ handOver: true }, ['sealed-secrets']],
      [git, ['sops']],
      [git, ['compose']],
    ] as const) {
      assert.deepEqual(check(config, targets), {
        handOver: false,
        lines: [
          'handOver: got true; allowed: false; true with target sealed-secrets and sealedInto git, until the stack has moved; ' +
            'fix: pulumi config rm handOver --stack prod',
        ],
      });
    }
  });

  it('comes before the move to sops, which is refused while Secrets would go with their SealedSecrets', () => {
    write('trading', handOverAnnotations);
    write('infrastructure', {});
    write('monitoring', { ...handOverAnnotations, 'sealedsecrets.bitnami.com/managed': 'false' });
    const line =
      'targets[1]: got sops, while the Secrets of sealed/hummingbot-infrastructure.yaml, sealed/hummingbot-monitoring.yaml would go with what target sealed-secrets has written there; ' +
      'allowed: sops when they are handed over, and the cluster has that from git; ' +
      "fix: pulumi config set --path 'targets[1]' sealed-secrets --stack prod, and pulumi config set handOver true --type bool --stack prod; then as docs/moving.md says";
    assert.deepEqual(check({}, ['compose', 'sops']).lines, [line]);
    // What cannot be read as a SealedSecret has not been handed over.
    const path = join(project, 'gitops/prod', sealedPathOf('trading'));
    writeFileSync(path, '{');
    assert.match(
      check({}, ['sops']).lines.join(),
      /while the Secrets of sealed\/hummingbot-trading-keys\.yaml, sealed\//u,
    );
  });

  it('is asked of nobody who has handed over, of no new stack, of no other stack, and of no other target', () => {
    assert.deepEqual(check({}, ['sops']).lines, []);
    write('trading', {}, 'gitops/staging');
    assert.deepEqual(check({}, ['sops']).lines, []);
    for (const group of ['trading', 'infrastructure', 'monitoring']) {
      write(group, handOverAnnotations);
    }
    assert.deepEqual(check({}, ['sops']).lines, []);
    write('trading', {});
    assert.deepEqual(check({ sealedInto: 'git' }, ['sealed-secrets']).lines, []);
    assert.deepEqual(check({}, ['compose']).lines, []);
  });

  const canary = makeCanary('setting');
  for (const value of ['yes', 1, canary]) {
    it(`is yes or no: refuses ${value === canary ? 'a value' : JSON.stringify(value)}, and does not show it`, () => {
      const { lines } = check({ handOver: value, sealedInto: 'git' }, ['sealed-secrets']);
      assert.deepEqual(lines, [
        `handOver: got a ${typeof value}; allowed: true, false; fix: pulumi config set handOver false --type bool --stack prod`,
      ]);
    });
  }
});
