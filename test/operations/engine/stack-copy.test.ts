import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import {
  adoptSalt,
  isProtected,
  mergeStackFiles,
  saysProtected,
  stackFileOf,
} from '../../../operations/engine/stack-copy.ts';
import {
  projectDirectory,
  rehearsalFolder,
  rehearsalVariable,
  workspace,
} from '../../../operations/engine/workspace.ts';
import { leaks, makeCanary } from '../../canary.ts';

const file = (config: Readonly<Record<string, unknown>>): string => JSON.stringify({ config });

function merged(base: object, committed: object, copy: object) {
  const [text, notes] = mergeStackFiles('dev', {
    base: file({ ...base }),
    committed: file({ ...committed }),
    copy: file({ ...copy }),
  });
  return { config: parse(text).config as Record<string, unknown>, notes };
}

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

  it('shows no value that stands where a name or a setting should', () => {
    const canary = makeCanary('misplaced');
    const changes: readonly (readonly [string, unknown, unknown])[] = [
      [`hummingbot-secrets:${canary}`, 'a', 'b'],
      [`${canary}:region`, 'a', 'b'],
      ['hummingbot-secrets:binance_api_key', 'a', canary],
      ['hummingbot-secrets:binance_api_key', 'a', 'word'],
      ['hummingbot-secrets:trading.binance_api_key', 'a', 'word'],
      ['hummingbot-secrets:image', 'a', canary],
      ['hummingbot-secrets:targets', ['a'], [canary]],
    ];
    for (const [name, before, now] of changes) {
      for (const copy of [before, 'mine']) {
        const [note = ''] = merged({ [name]: before }, { [name]: now }, { [name]: copy }).notes;
        assert.match(note, /^- Pulumi\.dev\.yaml has a new /u);
        const searched = new Map([
          ['misplaced', canary],
          ['word', now === 'word' ? ' word' : canary],
        ]);
        assert.deepEqual(leaks(note, searched), [], name.replace(canary, 'CANARY'));
      }
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

  it('takes over the salt of a stack that was made aside, once, and changes nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'salt-'));
    try {
      const [path, made] = [join(folder, 'copy'), join(folder, 'made')];
      const text = '# mine\nconfig:\n  a: 1 # one\n';
      writeFileSync(path, text);
      adoptSalt({ path, text }, made);
      assert.equal(readFileSync(path, 'utf8'), text);
      writeFileSync(made, 'encryptionsalt: v1:first\n');
      adoptSalt({ path, text }, made);
      assert.equal(readFileSync(path, 'utf8'), `${text}encryptionsalt: v1:first\n`);
      writeFileSync(made, 'encryptionsalt: v1:second\n');
      adoptSalt({ path, text }, made);
      assert.equal(readFileSync(path, 'utf8'), `${text}encryptionsalt: v1:first\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
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

describe('a stack file that a kill cut short', function () {
  this.timeout(20_000);
  // A workspace of its own.
  const rehearsal = 'unit-cut-short';
  const name = 'Pulumi.dev.yaml';
  const value = makeCanary('cut');
  const whole = `encryptionsalt: v1:x\nconfig:\n  p:trading:\n    k: ${value}\n`;
  const said: string[] = [];
  const { error } = console;
  const path = (): string => join(workspace.stacks, name);

  beforeEach(() => {
    process.env[rehearsalVariable] = rehearsal;
    mkdirSync(workspace.stacks, { recursive: true });
    writeFileSync(path(), whole, { mode: 0o600 });
    said.length = 0;
    console.error = (line: string) => said.push(line);
    assert.equal(stackFileOf('dev', () => {}).text, whole);
  });
  afterEach(() => {
    console.error = error;
    assert.deepEqual(leaks(said.join('\n'), new Map([['cut', value]])), []);
    rmSync(rehearsalFolder(rehearsal), { recursive: true });
    delete process.env[rehearsalVariable];
  });

  it('is put back, with a line that says so, from a copy for its owner alone', () => {
    for (const cut of ['', whole.slice(0, 30).padEnd(4096, '#')]) {
      writeFileSync(path(), cut);
      assert.equal(stackFileOf('dev', () => {}).text, whole);
      assert.equal(readFileSync(path(), 'utf8'), whole);
      assert.match(said.at(-1) ?? '', /^- \S+Pulumi\.dev\.yaml was cut short by a kill; /u);
    }
    for (const kept of [path(), join(workspace.kept, name)]) {
      assert.equal(statSync(kept).mode & 0o777, 0o600);
    }
    assert.equal(statSync(workspace.kept).mode & 0o777, 0o700);
  });

  it('is left alone while another command is writing it', async () => {
    const later = `${whole}  p:other: 1\n`;
    const source = join(dirname(path()), 'later');
    writeFileSync(source, later);
    writeFileSync(path(), '');
    // This process stands still meanwhile.
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', source, path()]);
    const ended = new Promise((settle) => writer.once('exit', settle));
    assert.equal(stackFileOf('dev', () => {}).text, later);
    await ended;
    assert.equal(readFileSync(path(), 'utf8'), later);
    assert.deepEqual(said, []);
  });

  it('is not the committed one: an empty one of git is nothing that this machine writes into', () => {
    const emptied = 'Pulumi.emptied.yaml';
    const committed = join(projectDirectory, emptied);
    try {
      writeFileSync(committed, '');
      writeFileSync(join(workspace.kept, emptied), whole);
      stackFileOf('emptied', () => {});
      assert.equal(readFileSync(committed, 'utf8'), '');
      assert.deepEqual(said, []);
    } finally {
      rmSync(committed, { force: true });
    }
  });

  it('or that is no YAML for another reason takes nothing away from what was kept, and the fix puts it back', () => {
    writeFileSync(path(), `${whole}  broken: [`);
    const file = stackFileOf('dev', () => {});
    assert.equal(readFileSync(join(workspace.kept, name), 'utf8'), whole);
    let fix = '';
    assert.throws(
      () => isProtected(file, 'p'),
      ({ message }: Error) => {
        fix =
          /; fix: mend that line, or put back what the last command found: (cp .*)$/u.exec(
            message,
          )?.[1] ?? message;
        return true;
      },
    );
    execFileSync('sh', ['-c', fix]);
    assert.equal(stackFileOf('dev', () => {}).text, whole);
  });

  it('of a committed one that was edited by hand, no fix writes over it', () => {
    const sides = { committed: 'config: [', base: 'config: {}', copy: whole };
    assert.throws(() => mergeStackFiles('dev', sides), /fix: mend that line$/u);
  });
});
