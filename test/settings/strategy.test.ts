import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Strategy } from '../../components/strategy.ts';
import type { Mistake } from '../../settings/mistake.ts';
import { checkStrategy } from '../../settings/strategy.ts';
import { makeCanary } from '../canary.ts';

describe('the setting strategy', () => {
  let projectDirectory: string;
  const canary = makeCanary('strategy');
  before(() => {
    projectDirectory = mkdtempSync(join(tmpdir(), 'strategy-'));
    const put = (name: string, content: string | Buffer): void =>
      writeFileSync(join(projectDirectory, name), content);
    put('v1.yml', 'strategy: pure_market_making\n');
    put('v2.yml', 'script_file_name: mine.py\n');
    put('image.yml', 'script_file_name: v2_with_controllers.py\n');
    put('controller.yml', 'controller_name: pmm\n');
    put('none.yml', 'a: 1\n');
    put('broken.yml', 'a: [\n');
    put('leak.yml', `strategy: x\nkey: ${canary}\n`);
    put('binary.yml', Buffer.from([0x61, 0xff, 0xfe]));
    put('large.yml', `strategy: x # ${'y'.repeat(300 * 1024)}\n`);
    put('mine.py', 'x = 1\n');
    put('launch.py', 'x = 1\n');
    put('name with blank.yml', 'strategy: x\n');
  });
  after(() => rmSync(projectDirectory, { recursive: true }));

  function check(strategy: unknown): { settled: Strategy | undefined; lines: readonly string[] } {
    const found: Mistake[] = [];
    const raw = { stack: 'dev', config: { strategy }, stackFile: undefined, projectDirectory };
    const settled = checkStrategy(raw, [canary], (mistake) => void found.push(mistake));
    return { settled, lines: found.map(({ what, got, allowed }) => `${what}: ${got}; ${allowed}`) };
  }

  it('is nothing when it is unset', () => {
    for (const unset of [undefined, {}]) {
      assert.deepEqual(check(unset), { settled: undefined, lines: [] });
    }
  });

  it('knows a strategy, a script, and a script of the image by what they say', () => {
    assert.equal(check({ config: 'v1.yml' }).settled?.type, 'v1-strategy');
    const script = check({ config: 'v2.yml', script: 'mine.py' }).settled;
    assert.equal(script?.type, 'v2-script');
    assert.equal(script?.script?.content, 'x = 1\n');
    const ofImage = check({ config: 'image.yml', controllers: ['controller.yml'] }).settled;
    assert.equal(ofImage?.script, undefined);
    assert.deepEqual(
      ofImage?.controllers.map(({ name }) => name),
      ['controller.yml'],
    );
  });

  const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
    ['text', 'v1.yml', /^strategy: something that is not a map; /],
    ['a list', ['v1.yml'], /^strategy: something that is not a map; /],
    [
      'an unknown field',
      { config: 'v1.yml', scripts: 'x' },
      /^strategy\.scripts: an unknown field; script$/,
    ],
    ['no config', { script: 'mine.py' }, /^strategy\.config: nothing; /],
    [
      'a file that is not there',
      { config: 'v3.yml' },
      /^strategy\.config: .*cannot be read \(ENOENT\)/,
    ],
    ['a number', { config: 7 }, /^strategy\.config: a number; /],
    ['another ending', { config: 'mine.py' }, /^strategy\.config: .*a YAML file, NAME\.yml$/],
    ['a name with a blank', { config: 'name with blank.yml' }, /a YAML file, NAME\.yml$/],
    ['what is not text', { config: 'binary.yml' }, /cannot be read/],
    ['too much', { config: 'large.yml' }, /at most 262144$/],
    [
      'what is not YAML',
      { config: 'broken.yml' },
      /^strategy\.config: broken\.yml, which is not YAML; YAML$/,
    ],
    ['a controller', { config: 'controller.yml' }, /which runs in a script alone/],
    ['neither', { config: 'none.yml' }, /names neither script_file_name nor strategy/],
    [
      'another script',
      { config: 'image.yml', script: 'mine.py' },
      /script_file_name is not mine\.py/,
    ],
    ['a script for a strategy', { config: 'v1.yml', script: 'mine.py' }, /names neither/],
    [
      'a name twice',
      { config: 'image.yml', controllers: ['image.yml'] },
      /^strategy\.controllers\[0\]: the name image\.yml again; /,
    ],
    [
      'a name of ours',
      { config: 'v2.yml', script: 'launch.py' },
      /^strategy\.script: the name launch\.py again; /,
    ],
    [
      'a secret value',
      { config: 'leak.yml' },
      /^strategy\.config: .*holds a secret value of this stack; /,
    ],
  ];
  for (const [name, value, line] of mistakes) {
    it(`refuses ${name} in one line without a value`, () => {
      const { settled, lines } = check(value);
      assert.match(lines.join('\n'), line);
      assert.ok(!lines.join('').includes(canary));
      if (name !== 'an unknown field' && !name.includes('twice') && !name.includes('ours')) {
        assert.equal(settled, undefined);
      }
    });
  }
});
