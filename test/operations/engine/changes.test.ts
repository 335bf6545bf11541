import assert from 'node:assert/strict';
import { changeLines } from '../../../operations/engine/changes.ts';
import { endOf } from '../../../operations/start.ts';

const tags = (trading: Readonly<Record<string, string>>) => ({ trading: { keys: trading } });

it('the values that a run changed are named by their tags', () => {
  const before = tags({ a: '1', b: '2', gone: '3' });
  assert.deepEqual(changeLines(before, tags({ a: '1', b: '9', more: '4' })), [
    'Changed: trading.b',
    'New: trading.more',
    'No longer delivered: trading.gone',
  ]);
  assert.deepEqual(changeLines(before, before), ['Changed: no value']);
});

it('an interrupted run has nothing to mend', () => {
  const end = (verb: 'up' | 'preview', interrupted: boolean): string =>
    endOf({ verb, stack: 'dev' }, interrupted).join('');
  assert.doesNotMatch(end('up', true), /mend/);
  assert.match(end('preview', false), /it changes nothing: mend/);
});
