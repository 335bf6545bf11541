/**
 * Adding a target takes one file, one line of the list and one adapter: examples/ninth-target is put
 * into a copy of the tree, and conforms there as the eight others do. Linux and root.
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { Checkout } from './checkout.ts';
import { canRehearse } from './rehearsed-stack.ts';

const example = 'examples/ninth-target';
const list = 'components/delivery/list.ts';
const target = 'components/delivery/json-file.ts';
const adapter = 'test/e2e/conformance/json-file.e2e.ts';

interface Report {
  readonly passes: readonly { readonly fullTitle: string }[];
  readonly failures: readonly { readonly fullTitle: string; readonly err: { message?: string } }[];
}

describe('a ninth target', () => {
  const checkout = new Checkout();

  before(function () {
    if (!canRehearse) this.skip();
    copyFileSync(checkout.path(`${example}/json-file.ts`), checkout.path(target));
    copyFileSync(checkout.path(`${example}/json-file.e2e.ts`), checkout.path(adapter));
    const [, line] =
      /^```ts\n(export .*;\n)```$/mu.exec(checkout.read(`${example}/README.md`)) ?? [];
    assert.ok(line !== undefined, 'the line that the README shows');
    // Where the alphabet has it.
    const behind = /^export \{ envFile .*\n/mu;
    writeFileSync(checkout.path(list), checkout.read(list).replace(behind, `$&${line}`));
  });
  after(() => checkout.remove());

  it('touches three paths, of which two are new and one has a line more', async () => {
    await checkout.run('git', ['add', '--intent-to-add', '.']);
    const { stdout } = await checkout.run('git', ['diff', '--numstat']);
    const lines = (path: string): number => checkout.read(path).trimEnd().split('\n').length;
    assert.deepEqual(stdout.trim().split('\n'), [
      `${lines(target)}\t0\t${target}`,
      `1\t0\t${list}`,
      `${lines(adapter)}\t0\t${adapter}`,
    ]);
  });

  it('passes types, lint and the rules of structure', async () => {
    const check = await checkout.run('npm', ['run', '--silent', 'check']);
    assert.equal(check.code, 0, check.stdout + check.stderr);
    const { passes, failures } = await mocha('test/structure.test.ts');
    assert.deepEqual(failures, []);
    assert.ok(passes.some(({ fullTitle }) => fullTitle.endsWith('in the list: json-file')));
  });

  it('conforms: all checks of the suite, on the program that reads it', async () => {
    const { passes, failures } = await mocha(adapter);
    assert.deepEqual(failures, []);
    // Those that stand deeper are of targets that refuse a value, or have a controller.
    const suite = readFileSync('test/e2e/conformance/suite.ts', 'utf8').match(/^ {4}it\(/gmu) ?? [];
    assert.ok(suite.length > 10);
    assert.equal(passes.length, suite.length);
  });

  /** One file of tests, in the copy. */
  async function mocha(path: string): Promise<Report> {
    const words = ['mocha', '--no-config', '--timeout', '900000', '--reporter', 'json', path];
    const { stdout, stderr } = await checkout.run('npx', words);
    const at = stdout.indexOf('{');
    assert.ok(at >= 0, stdout + stderr);
    return JSON.parse(stdout.slice(at)) as Report;
  }
});
