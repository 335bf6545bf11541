import assert from 'node:assert/strict';
import { parse } from 'yaml';
import {
  isProtected,
  mergeStackFiles,
  saysProtected,
} from '../../../operations/engine/stack-copy.ts';

const file = (config: Readonly<Record<string, unknown>>): string => JSON.stringify({ config });

function merged(base: object, committed: object, copy: object) {
  const [text, notes] = mergeStackFiles('dev', {
    base: file({ ...base }),
    committed: file({ ...committed }),
    copy: file({ ...copy }),
  });
  return { config: parse(text).config as Record<string, unknown>, notes };
}

import { leaks, makeCanary } from '../../canary.ts';

describe('a stack', () => {
  const file = (protect: string) => ({ path: 'x', text: `config:\n  p:protect: ${protect}\n` });
  it('is protected unless its file says clearly that it is not', () => {
    for (const no of ['false', '"false"']) assert.equal(isProtected(file(no), 'p'), false);
    for (const yes of ['true', '"true"', '"no"', '[false]', '', '{ secure: v1:x }']) {
      assert.equal(isProtected(file(yes), 'p'), true, yes);
      assert.equal(saysProtected(file(yes), 'p'), yes.includes('true'), yes);
    }
    assert.equal(isProtected({ path: 'x', text: 'config: {}' }, 'p'), true);
    assert.equal(saysProtected({ path: 'x', text: 'config: {}' }, 'p'), true);
  });
});

describe("this machine's copy of a stack file", () => {
  it('takes over what was changed, added and removed in the committed file', () => {
    const { config, notes } = merged({ a: 1, b: 2 }, { a: 9, c: [3] }, { a: 1, b: 2, own: true });
    assert.deepEqual(config, { a: 9, c: [3], own: true });
    assert.deepEqual(
      notes,
      ['a', 'b', 'c'].map((key) => `- Pulumi.dev.yaml has a new ${key}; taken over`),
    );
  });

  it('keeps what this machine has changed itself, and says so', () => {
    const { config, notes } = merged({ a: 1 }, { a: 2 }, { a: 3 });
    assert.deepEqual(config, { a: 3 });
    assert.deepEqual(notes, [
      "- Pulumi.dev.yaml has a new a; this machine's own is kept; to take it: pulumi config set --path 'a' 2 --stack dev",
    ]);
  });

  it('names the commands that take a committed setting, and none with a value of a group', () => {
    const note = (name: string, before: unknown, now: unknown): string =>
      merged({ [name]: before }, { [name]: now }, { [name]: 'mine' }).notes[0] ?? '';
    assert.match(
      note('hummingbot-secrets:targets', ['a'], ['b', 'c']),
      /to take it: pulumi config rm targets --stack dev && pulumi config set --path 'targets\[0\]' b --stack dev && .* 'targets\[1\]' c --stack dev$/,
    );
    assert.match(note('a', 1, undefined), /to take it: pulumi config rm a --stack dev$/);
    const canary = makeCanary('committed');
    for (const now of [{ k: canary }, canary, [canary]]) {
      const line = note('hummingbot-secrets:trading', {}, now);
      assert.match(line, /to take it: copy its lines into \.local\/stacks\/Pulumi\.dev\.yaml$/);
      assert.deepEqual(leaks(line, new Map([['committed', canary]])), []);
    }
  });

  it('takes false for "false": Pulumi writes scalars as text', () => {
    const { config, notes } = merged({ a: false }, { a: true }, { a: 'false' });
    assert.deepEqual(config, { a: true });
    assert.equal(notes.length, 1);
    assert.equal(merged({ a: 1 }, { a: true }, { a: 'true' }).notes.length, 0);
  });

  it('keeps salt, values and comments of the copy', () => {
    const copy =
      'config:\n  # mine\n  a: 1\n  v:\n    k:\n      secure: v1:x\nencryptionsalt: v1:salt\n';
    const [text] = mergeStackFiles('dev', {
      base: 'config:\n  a: 1\n',
      committed: 'config:\n  a: 2\n',
      copy,
    });
    assert.equal(text, copy.replace('a: 1', 'a: 2'));
  });

  it('takes over no value that it cannot open, and says which', () => {
    const value = (name: string): string => `config:\n  v:\n    ${name}: { secure: v1:theirs }\n`;
    const theirs = `${value('new')}encryptionsalt: v1:theirs\n`;
    const copy = 'config:\n  v:\n    mine: { secure: v1:mine }\nencryptionsalt: v1:mine\n';
    const sides = { base: 'config: {}\n', committed: theirs, copy };
    const [text, notes] = mergeStackFiles('dev', sides);
    assert.deepEqual(parse(text), parse(copy));
    assert.match(notes.join('\n'), /1 value that this machine cannot open.*\n.*--path 'v\.new'/);
    assert.deepEqual(mergeStackFiles('dev', { ...sides, base: theirs })[1], []);
    const [ours] = mergeStackFiles('dev', { ...sides, copy: copy.replaceAll('mine', 'theirs') });
    assert.match(ours, /v1:theirs/);
  });

  it('takes over values that are encrypted as its own are', () => {
    const file = (value: string): string =>
      `config:\n  v:\n    k: { secure: v1:${value} }\nencryptionsalt: v1:same\n`;
    const sides = { base: file('old'), committed: file('new'), copy: file('old') };
    const [text, notes] = mergeStackFiles('dev', sides);
    assert.deepEqual(parse(text), parse(file('new')));
    assert.deepEqual(notes, ['- Pulumi.dev.yaml has a new v; taken over']);
  });

  it('says in one line which file is not YAML', () => {
    assert.throws(
      () =>
        mergeStackFiles('dev', { base: 'config: {}', committed: 'config: [', copy: 'config: {}' }),
      /^CommandError: Pulumi\.dev\.yaml: got something that is not YAML in line \d+; allowed: a Pulumi stack file; fix: /,
    );
  });
});
