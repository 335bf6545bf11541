/** Folders of the cache: whole or not there, whatever happens while they are made. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../../operations/engine/command-error.ts';
import { identityOf, made, type Stage } from '../../../rehearsal/images/stage.ts';

describe('a stage of an image', () => {
  let cache: string;
  let stage: Stage;

  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'stages-'));
    writeFileSync(join(cache, 'recipe.sh'), 'one');
    const files = [join(cache, 'recipe.sh')];
    stage = { name: 'base', files, of: ['a'], estimate: 'about a second', lines: 1 };
  });

  afterEach(() => rmSync(cache, { recursive: true }));

  it('is made once, and found from then on', async () => {
    let times = 0;
    const make = async (work: string): Promise<void> => {
      writeFileSync(join(work, 'file'), `${++times}`);
    };
    const folder = await made(stage, cache, make);
    assert.equal(folder, join(cache, identityOf(stage)));
    assert.equal(await made(stage, cache, make), folder);
    assert.equal(times, 1);
    assert.deepEqual(readdirSync(folder), ['file']);
  });

  it('has another name as soon as a file or anything else that it is made of changes', () => {
    const first = identityOf(stage);
    assert.notEqual(identityOf({ ...stage, of: ['b'] }), first);
    writeFileSync(join(cache, 'recipe.sh'), 'two');
    assert.notEqual(identityOf(stage), first);
  });

  it('leaves nothing when a command fails, and says the last that the command said', async () => {
    await assert.rejects(
      made(stage, cache, async (work, step) => {
        writeFileSync(join(work, 'file'), '');
        await step(['sh', '-c', 'echo first; echo the reason >&2; exit 3']);
      }),
      (error) => error instanceof CommandError && /^base: got "the reason";/u.test(error.message),
    );
    assert.deepEqual(readdirSync(cache), ['recipe.sh']);
  });

  it('is not taken from one that was killed, whose rest goes', async () => {
    const abandoned = join(cache, '.building-4194303');
    mkdirSync(abandoned);
    await made(stage, cache, async () => {});
    assert.equal(existsSync(abandoned), false);
  });

  it('is the one of whoever was faster', async () => {
    const folder = join(cache, identityOf(stage));
    await made(stage, cache, async (work) => {
      writeFileSync(join(work, 'slower'), '');
      mkdirSync(folder);
      writeFileSync(join(folder, 'faster'), '');
    });
    assert.deepEqual(readdirSync(folder), ['faster']);
    assert.equal(readdirSync(cache).length, 2);
  });

  it("gives commands nothing of this machine's variables but how to fetch", async () => {
    process.env.STAGE_TEST = 'secret';
    process.env.PIP_STAGE_TEST = 'kept';
    try {
      await made(stage, cache, async (work, step) => {
        await step(['sh', '-c', `test -z "$STAGE_TEST" && test "$PIP_STAGE_TEST" = kept`]);
        writeFileSync(join(work, 'file'), '');
      });
    } finally {
      delete process.env.STAGE_TEST;
      delete process.env.PIP_STAGE_TEST;
    }
  });
});
