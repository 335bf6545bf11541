import assert from 'node:assert/strict';
import { findDeletedSecrets } from '../../../plugins/hummingbot/deleted-secrets.ts';
import { FakeAws } from '../../rehearsal/plugins/aws/fake-aws.ts';

describe('getDeletedSecrets', () => {
  let fake: FakeAws;
  before(async () => {
    fake = await FakeAws.start();
    await fake.account();
  });
  after(() => fake.stop());

  it('names what waits for its deletion: not what lives, is missing or may not be seen', async () => {
    fake.replies = {
      'secretsmanager.DescribeSecret': ({ SecretId: name }) => {
        if (name === 'a/deleted') return { Name: name, DeletedDate: 1_800_000_000 };
        if (name === 'a/living') return { Name: name };
        const fail = name === 'a/hidden' ? 'AccessDeniedException' : 'ResourceNotFoundException';
        return { fail };
      },
    };
    const names = ['a/living', 'a/deleted', 'a/missing', 'a/hidden'];
    const found = await findDeletedSecrets({ region: 'eu-west-1', names });
    assert.deepEqual(found, { deleted: ['a/deleted'] });
    assert.deepEqual(new Set(fake.actions()), new Set(['DescribeSecret']));
  });

  it('wants a region and names', async () => {
    await assert.rejects(findDeletedSecrets({ names: [] }), /got no region or names/);
  });
});
