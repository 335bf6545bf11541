import assert from 'node:assert/strict';
import type { Finding } from '../../../operations/access/finding.ts';
import { exitCodeOf, reportOf } from '../../../operations/access/report.ts';
import { withNotAsked } from '../../../operations/access/request.ts';
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

  it('is the same in whatever order systems answer, with one row for tokens of one name', () => {
    const tokens = ['b', 'a'].map((accessor) => finding({ fix: `revoke ${accessor}` }));
    assert.deepEqual(
      of(tokens).differences.map(({ fix }) => fix),
      ['revoke a; revoke b'],
    );
    const unasked = ['y', 'x'].map((got) => ({ system: 'AWS', got, fix: 'log in' }));
    const one = reportOf('prod', '', { findings: [], unasked }, []);
    const other = reportOf('prod', '', { findings: [], unasked: unasked.toReversed() }, []);
    assert.deepEqual(one, other);
  });

  it('ends with 2 for a file that may not be read, and throws what it does not know', async () => {
    const failing = async (error: Error): Promise<number> =>
      await withNotAsked(async () => {
        throw error;
      });
    const lines: string[] = [];
    const { error: say } = console;
    console.error = (line: string) => void lines.push(line);
    try {
      const refused = { code: 'EACCES', syscall: 'open', path: '/x/y' };
      assert.equal(await failing(Object.assign(new Error('m'), refused)), 2);
      await assert.rejects(failing(new TypeError('m')), TypeError);
      const lost = { code: 'ECONNREFUSED', syscall: 'connect' };
      await assert.rejects(failing(Object.assign(new Error('m'), lost)), /^Error: m$/);
    } finally {
      console.error = say;
    }
    assert.deepEqual(lines, [
      '/x/y: got EACCES; allowed: a file that may be read; fix: ls -l /x/y says whose it is',
    ]);
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
