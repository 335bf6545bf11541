/** The words of `npm run rehearse`. */
import assert from 'node:assert/strict';
import { parseRequest } from '../../operations/rehearse.ts';

describe('npm run rehearse', () => {
  it('takes a stack and, if one is given, a verb', () => {
    const none = { keep: false, kubeconfig: undefined, also: [] };
    assert.deepEqual(parseRequest(['prod']), { stack: 'prod', verb: undefined, ...none });
    assert.deepEqual(parseRequest(['dev', 'down']), { stack: 'dev', verb: 'down', ...none });
    assert.deepEqual(parseRequest(['prod', '--keep', '--kubeconfig', 'x']), {
      stack: 'prod',
      verb: undefined,
      keep: true,
      kubeconfig: 'x',
      also: [],
    });
    assert.deepEqual(parseRequest(['prod', 'up', '--also', 'vault', '--also', 'kubernetes']).also, [
      'vault',
      'kubernetes',
    ]);
  });

  it('says which systems it could start too, and starts none for another name', () => {
    assert.throws(
      () => parseRequest(['prod', '--also', 'valt']),
      /^CommandError: --also: got "valt"; allowed: [^\n]*\bvault\b[^\n]*$/u,
    );
  });

  it('refuses what is no stack, verb or flag, in one line', () => {
    const wrong = [[], ['prod', 'upp'], ['prod', 'up', 'down'], ['../x'], ['prod', '--force']];
    for (const words of wrong) {
      assert.throws(
        () => parseRequest(words),
        /^CommandError: rehearse: got .*; allowed: [^\n]*$/u,
      );
    }
  });
});
