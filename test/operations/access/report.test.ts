import assert from 'node:assert/strict';
import type { Finding } from '../../../operations/access/finding.ts';
import { exitCodeOf, reportOf } from '../../../operations/access/report.ts';
import { shown } from '../../../operations/access/shown.ts';
import { parseRequest } from '../../../operations/access.ts';
import { CommandError } from '../../../operations/engine/command-error.ts';

function finding(more: Partial<Finding> = {}): Finding {
  return {
    system: 'Kubernetes',
    who: 'User:eve',
    way: 'list',
    secrets: [],
    cause: 'RoleBinding x',
    fix: 'kubectl delete',
    ...more,
  };
}
const of = (findings: readonly Finding[], unasked = 0) =>
  reportOf(
    'prod',
    '2026-11-27T10:00:00.000Z',
    {
      findings,
      unasked: Array.from({ length: unasked }, () => ({
        system: 'AWS',
        got: 'no answer',
        fix: 'log in',
      })),
    },
    ['etcd'],
  );

describe('an access report', () => {
  it('has one row a cause, in an order that the answers do not change', () => {
    const all = [
      finding(),
      finding({ way: 'get', secrets: ['a'] }),
      finding({ who: 'User:ann', expected: 'readers.trading', way: 'get', secrets: ['b'] }),
    ];
    assert.deepEqual(of(all), of(all.toReversed()));
    assert.deepEqual(
      of(all).differences.map(({ ways }) => ways),
      [['get', 'list']],
    );
    assert.deepEqual(
      of(all).readers.map(({ secrets }) => secrets),
      [['b']],
    );
  });

  it('ends with 0 as expected, 1 with differences, 2 when somebody could not be asked', () => {
    assert.deepEqual([of([]), of([finding()]), of([finding()], 1)].map(exitCodeOf), [0, 1, 2]);
  });

  it('is a table, a page and JSON, with cause and fix, and a last line that says it all', () => {
    const report = of(
      [finding({ who: 'User:a|b\u001b[31m\n<x>' }), finding({ expected: 'administrators' })],
      1,
    );
    const table = shown(report, 'table');
    assert.match(table, /RoleBinding x {2}kubectl delete/);
    assert.match(table, /access of stack prod: 1 difference; 1 could not be asked$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    assert.doesNotMatch(table, /\u001b/);
    const page = shown(report, 'markdown');
    assert.match(page, /^# Access of stack prod/);
    assert.ok(page.includes('User:a\\|b'));
    assert.deepEqual(JSON.parse(shown(report, 'json')), report);
  });

  it('takes its options, and refuses others in one line', () => {
    assert.deepEqual(parseRequest(['--stack', 'prod', '--format', 'json']), {
      stack: 'prod',
      format: 'json',
    });
    for (const words of [['--formt', 'json'], ['x'], ['--format', 'pdf']]) {
      assert.throws(
        () => parseRequest(words),
        (error: Error) =>
          error instanceof CommandError &&
          /^access: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/.test(error.message),
      );
    }
  });
});
