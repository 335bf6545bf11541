import assert from 'node:assert/strict';
import { checkAdministrators } from '../../settings/administrators.ts';
import { lineOf, type Mistake } from '../../settings/mistake.ts';
import { makeCanary } from '../canary.ts';

describe('administrators', () => {
  function check(administrators: unknown) {
    const lines: string[] = [];
    const raw = {
      stack: 'prod',
      config: { administrators },
      stackFile: undefined,
      projectDirectory: '.',
    };
    const found = (mistake: Mistake): void => void lines.push(lineOf(mistake));
    return { ...checkAdministrators(raw, found), lines };
  }

  it('are subjects of the cluster and principals of AWS', () => {
    const role = 'arn:aws:iam::210987654321:role/ops/admin';
    assert.deepEqual(check(['User:ann', 'Group:ops', 'ServiceAccount:argo/cd', role]), {
      subjects: [
        { kind: 'User', name: 'ann' },
        { kind: 'Group', name: 'ops' },
        { kind: 'ServiceAccount', name: 'cd', namespace: 'argo' },
      ],
      principals: [role],
      lines: [],
    });
    assert.deepEqual(check(undefined), { subjects: [], principals: [], lines: [] });
  });

  it('are nobody in general, and no pattern', () => {
    for (const word of [
      'Group:system:authenticated',
      'ann',
      'arn:aws:iam::1:role/x',
      'arn:aws:iam::210987654321:role/*',
      5,
    ]) {
      const { lines, subjects, principals } = check([word]);
      assert.equal(lines.length, 1, String(word));
      assert.match(lines[0] ?? '', /^administrators\[0\]: got .*; allowed: .*; fix: .* config rm /);
      assert.deepEqual([...subjects, ...principals], []);
    }
    assert.match(
      check('User:ann').lines[0] ?? '',
      /^administrators: got something that is not a list/,
    );
  });

  it('show no value that stands in their place', () => {
    const canary = makeCanary('administrators');
    assert.ok(!check([canary]).lines.join().includes(canary));
  });
});
