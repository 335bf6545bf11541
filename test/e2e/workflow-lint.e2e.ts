/** All workflows, read by the linters of their field: actionlint for what GitHub takes, zizmor for what attackers could. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goTool } from '../../operations/engine/go.ts';
import { actionlint } from '../../rehearsal/tools/tools.ts';
import { installZizmor } from '../../rehearsal/tools/zizmor.ts';
import { directory, workflowNames } from '../workflows/workflow.ts';

/** Text of a pull request in a shell, an action by its tag, an expression that GitHub does not know. */
const bad = `on: pull_request_target
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - run: echo "\${{ github.event.pull_request.title }}"
      - run: echo "\${{ github.nothing }}"
`;

describe('the linters of workflows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'workflows-'));
  const paths = workflowNames.map((name) => join(directory, name));
  const badPath = join(folder, 'bad.yml');
  writeFileSync(badPath, bad);
  after(() => rmSync(folder, { recursive: true }));

  function lint(program: string, words: readonly string[]): readonly [number | null, string] {
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
    return [status, stdout + stderr];
  }

  it('actionlint finds nothing in ours, and what is wrong in another', async () => {
    const program = await goTool(actionlint);
    // Programs that are not pinned here would judge our shell on some machines and not on others.
    const words = ['-no-color', '-shellcheck=', '-pyflakes='];
    assert.deepEqual(lint(program, [...words, ...paths]), [0, '']);
    const [code, found] = lint(program, [...words, badPath]);
    assert.equal(code, 1);
    assert.match(found, /potentially untrusted/u);
    assert.match(found, /property "nothing" is not defined/u);
  });

  it('zizmor finds nothing in ours, and what is dangerous in another', () => {
    const program = installZizmor();
    const words = ['--offline', '--no-progress', '--color', 'never'];
    const [mine, text] = lint(program, [...words, '.github']);
    assert.match(text, /No findings to report/u);
    assert.equal(mine, 0);
    const [code, found] = lint(program, [...words, badPath]);
    assert.ok((code ?? 0) > 10);
    for (const rule of ['template-injection', 'dangerous-triggers', 'unpinned-uses'])
      assert.match(found, new RegExp(`\\[${rule}\\]`, 'u'));
  });
});
