/** Which provider plugins a stack needs. */
import assert from 'node:assert/strict';
import { providersFor } from '../../../operations/engine/plugins.ts';

describe('provider plugins', () => {
  it('are those that the targets need, and no others', () => {
    assert.deepEqual(providersFor(['compose', 'env-file']), ['random']);
    assert.deepEqual(providersFor([]), ['random']);
    assert.deepEqual(providersFor(['compose', 'aws-secrets-manager']), [
      'random',
      'aws',
      'kubernetes',
    ]);
    assert.deepEqual(providersFor(['vault']), ['random', 'kubernetes', 'vault']);
  });
});
