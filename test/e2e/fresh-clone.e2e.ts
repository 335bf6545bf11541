/** The README's two commands, on a clone that has nothing but what git holds. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Checkout } from './checkout.ts';

describe('a fresh clone', () => {
  const checkout = new Checkout('none');
  after(() => checkout.remove());

  it('says in one line that npm ci comes first', async () => {
    const { code, stderr } = await checkout.run('npm', ['start']);
    assert.notEqual(code, 0);
    assert.match(stderr, /fix: npm ci/);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  it('npm ci && npm start ends with dev up, and git status clean', async () => {
    const installed = await checkout.run('npm', ['ci']);
    assert.equal(installed.code, 0, installed.stderr);
    const { code, stdout, stderr } = await checkout.run('npm', ['start']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Stack dev is up: 23 values\./);
    assert.ok(existsSync(checkout.path('out/dev/compose.yaml')));
    assert.equal(checkout.gitStatus(), '');
  });

  it('runs on its own Node 24, whatever the machine has', async () => {
    const words = ['exec', '--', 'node', '--version'];
    assert.match((await checkout.run('npm', words)).stdout, /^v24\./m);
  });
});
