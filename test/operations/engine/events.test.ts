import assert from 'node:assert/strict';
import { changeLines, told } from '../../../operations/engine/events.ts';
import { endOf } from '../../../operations/start.ts';

const tags = (trading: Readonly<Record<string, string>>) => ({ trading: { keys: trading } });
const event = (type: string, op: string, old?: object, after?: object): string =>
  JSON.stringify({
    resOutputsEvent: {
      metadata: { op, type, old: { outputs: { tags: old } }, new: { outputs: { tags: after } } },
    },
  });
const problem = (severity: string, message: string): string =>
  JSON.stringify({ diagnosticEvent: { severity, message } });
const stack = 'pulumi:pulumi:Stack';

describe('the events of a run', () => {
  it('tell the tags of the program, not of the refresh before it', () => {
    const before = tags({ a: '1', b: '2', gone: '3' });
    const after = tags({ a: '1', b: '9', more: '4' });
    const log = [event(stack, 'refresh', before, before), event(stack, 'same', before, after)];
    const { tags: both, changed } = told(log.join('\n'));
    assert.equal(changed, false);
    assert.ok(both !== undefined);
    assert.deepEqual(changeLines(both), [
      'Changed: trading.b',
      'New: trading.more',
      'No longer delivered: trading.gone',
    ]);
    assert.deepEqual(changeLines({ before, after: before }), ['Changed: no value']);
    const many = tags(Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`k${at}`, 'x'])));
    assert.deepEqual(changeLines({ before: {}, after: many }), ['New: 13 values']);
  });

  it('tell errors once, without marks for colours, and nothing of debugging', () => {
    const error = problem('error', '<{%reset%}>one\n  two<{%reset%}>\n');
    const { errors } = told([error, problem('debug', 'three'), error, '{"cut'].join('\n'));
    assert.deepEqual(errors, ['one\n  two']);
  });

  it('tell whether anything was done', () => {
    assert.ok(told(event('hummingbot:index:File', 'update')).changed);
    for (const op of ['same', 'refresh']) assert.ok(!told(event('x:y:Z', op)).changed);
    assert.ok(!told(event(stack, 'create')).changed);
  });
});

describe('the end of a run that did not finish', () => {
  const end = (verb: 'up' | 'preview', log: string, interrupted = false): string =>
    endOf({ verb, stack: 'dev', yes: false }, told(log), interrupted).join('\n').trim();

  it('after a refusal is the mistakes alone', () => {
    const mistakes =
      '1 mistake in the settings of stack dev; nothing was changed\n  exchange: got x';
    for (const verb of ['up', 'preview'] as const) {
      assert.equal(end(verb, problem('error', mistakes)), mistakes);
    }
  });

  it('after Ctrl-C says that there is nothing to mend', () => {
    assert.equal(
      end('up', '', true),
      'up of stack dev was interrupted; what it did is kept; `npm start -- --stack dev` does the rest',
    );
    assert.match(
      end('preview', '', true),
      /was interrupted; it changes nothing; `npm start -- prev/,
    );
  });

  it('after a failure says what is kept, and ends with the error', () => {
    const log = [event('hummingbot:index:File', 'create'), problem('error', 'no space')].join('\n');
    assert.equal(
      end('up', log),
      'up of stack dev failed on the way; what it did is kept: mend and run `npm start -- --stack dev`\nno space',
    );
    assert.match(end('up', problem('error', 'x')), /failed, and changed nothing: mend/);
    assert.equal(end('preview', problem('error', 'x')), 'preview of stack dev failed\nx');
  });
});
