import assert from 'node:assert/strict';
import type { Census, Drift } from '../../operations/census/facts.ts';
import { exitCodeOf, json, printed } from '../../operations/drift/report.ts';
import { parseRequest } from '../../operations/drift.ts';
import { census } from './inventory/case.ts';

const drift = (kind: Drift['kind'], place: string): Drift => ({
  kind,
  target: 'x',
  place,
  expected: 'tag a',
  found: 'tag b',
  cause: 'somebody',
  fix: 'npm start',
});
const drifted: Census = { ...census, drifts: [drift('unknown', 'b'), drift('missing', 'a')] };
const silent: Census = {
  ...census,
  unasked: [{ target: 'x', what: 'y', got: 'no answer', fix: 'z' }],
};

describe('npm run drift', () => {
  it('ends with 0 on a clean stack, 1 with drift, 2 where something could not be asked', () => {
    assert.deepEqual(
      [census, drifted, silent, { ...silent, drifts: drifted.drifts }].map(exitCodeOf),
      [0, 1, 2, 2],
    );
  });

  it('prints each finding with what was expected and found, its cause and its fix', () => {
    assert.equal(
      printed(drifted, 'NOW'),
      [
        'Stack prod, NOW',
        '',
        ...['MISSING  a', 'UNKNOWN  b'].flatMap((head) => [
          `${head}  (x)`,
          '  expected  tag a',
          '  found     tag b',
          '  cause     somebody',
          '  fix       npm start',
          '',
        ]),
        'Drift: 1 missing, 1 unknown; 46 places of compose, env-file looked at.',
      ].join('\n'),
    );
  });

  it('never calls clean what it could not see', () => {
    assert.match(
      printed(silent, 'NOW'),
      /No drift where it could be seen: .*; 1 could not be asked\.$/,
    );
    assert.match(printed(census, 'NOW'), /\nNo drift: 46 places of compose, env-file looked at\.$/);
    assert.equal(JSON.parse(json(silent, 'NOW')).clean, false);
    const { clean, drifts, summary } = JSON.parse(json(drifted, 'NOW'));
    assert.deepEqual([clean, drifts.length, drifts[0].place], [false, 2, 'a']);
    assert.match(summary, /^Drift: /);
  });

  it('takes a stack and a format, and refuses other words in one line', () => {
    assert.deepEqual(parseRequest([]), { stack: 'dev', format: 'table' });
    assert.deepEqual(parseRequest(['-s', 'prod', '--format', 'json']), {
      stack: 'prod',
      format: 'json',
    });
    for (const words of [['prod'], ['--format', 'csv'], ['--nope'], ['--stack']]) {
      const message =
        'drift: got an unknown option or word; allowed: npm run drift -- [--stack NAME] [--format table|json]; fix: put -- before the flags, and see docs/drift.md';
      assert.throws(() => parseRequest(words), { message });
    }
  });
});
