/** The resource types against a fake endpoint; test/e2e/plugin-aws.e2e.ts has moto and the engine. */
import assert from 'node:assert/strict';
import {
  InitialisationError,
  isSecret,
  type Properties,
  secret,
  unwrap,
} from '../../../../plugins/provider-server.ts';
import type { Account } from '../../../../rehearsal/plugins/aws/account.ts';
import { Key } from '../../../../rehearsal/plugins/aws/key.ts';
import { Role } from '../../../../rehearsal/plugins/aws/role.ts';
import { Secret } from '../../../../rehearsal/plugins/aws/secret.ts';
import { SecretPolicy } from '../../../../rehearsal/plugins/aws/secret-policy.ts';
import { SecretVersion } from '../../../../rehearsal/plugins/aws/secret-version.ts';
import { leaks, makeCanary } from '../../../canary.ts';
import { call, FakeAws } from './fake-aws.ts';

const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:hummingbot/trading-AbCdEf';

describe('the rehearsal plugin for aws', () => {
  let fake: FakeAws;
  let account: Account;

  before(async () => {
    fake = await FakeAws.start();
    account = await fake.account({ defaultTags: '{"tags":{"project":"p","owner":"all"}}' });
  });
  beforeEach(() => {
    fake.asked.length = 0;
    fake.replies = {};
  });
  after(() => fake.stop());

  describe('Secret', () => {
    const described = {
      ARN: arn,
      Name: 'hummingbot/trading',
      Tags: [{ Key: 'owner', Value: 'o' }],
    };
    const checked = async (news: Properties, olds: Properties = {}) =>
      await new Secret(account).check(olds, news, call({ marked: news }));

    it('gets the defaults of the official one, all tags, and a name with 7 hex digits', async () => {
      const { inputs, failures } = await checked({ tags: { owner: 'o' } });
      assert.deepEqual(failures, []);
      assert.match(String(inputs.name), /^trading-[0-9a-f]{7}$/);
      const again = await checked({ tags: { owner: 'o' } }, inputs);
      assert.equal(again.inputs.name, inputs.name);
      const { name, ...rest } = inputs;
      assert.equal(typeof name, 'string');
      assert.deepEqual(rest, {
        tags: { owner: 'o' },
        tagsAll: { project: 'p', owner: 'o' },
        forceOverwriteReplicaSecret: false,
        recoveryWindowInDays: 30,
        __defaults: ['forceOverwriteReplicaSecret', 'recoveryWindowInDays', 'name'],
      });
    });

    it('refuses what it does not know and what AWS would refuse, and repeats no value', async () => {
      const canary = makeCanary('input');
      const { failures } = await checked({
        name: 'a b',
        policy: canary,
        recoveryWindowInDays: 3,
        replicas: [{ region: canary }],
      });
      const found = failures?.map(({ property }) => property).sort();
      assert.deepEqual(found, ['name', 'policy', 'recoveryWindowInDays', 'replicas']);
      assert.deepEqual(leaks(JSON.stringify(failures), new Map([['input', canary]])), []);
      assert.deepEqual((await checked({ name: 'a', recoveryWindowInDays: 0 })).failures, []);
      assert.deepEqual((await checked({ name: unknown, policy: unknown })).failures, []);
    });

    it('is replaced, the old one first, by another name; its description is updated', async () => {
      const handler = new Secret(account);
      const olds = { name: 'a', description: 'x', recoveryWindowInDays: 30 };
      const news = { ...olds, __defaults: [] };
      const named = await handler.diff(arn, olds, { ...news, name: 'b' });
      assert.deepEqual([named.replaces, named.deleteBeforeReplace], [['name'], true]);
      const described = await handler.diff(arn, olds, { ...news, description: 'y' });
      assert.deepEqual([described.diffs, described.replaces], [['description'], []]);
      const dropped = await handler.diff(arn, olds, { ...news, description: undefined });
      assert.deepEqual(dropped.detailedDiff, { description: { kind: 'delete' } });
      assert.equal((await handler.diff(arn, olds, news)).changes, false);
    });

    it('shows no difference in what only AWS says, such as its policy', async () => {
      const olds = { name: 'a', policy: '{"Statement":[]}', region: 'eu-west-1', arn };
      const { changes } = await new Secret(account).diff(arn, olds, { name: 'a', __defaults: [] });
      assert.equal(changes, false);
    });

    it('says what AWS says when moto only says that the name exists', async () => {
      fake.replies = {
        'secretsmanager.CreateSecret': { fail: 'ResourceExistsException', message: 'exists' },
        'secretsmanager.DescribeSecret': { ...described, DeletedDate: 1_800_000_000 },
      };
      const stop = new AbortController();
      const made = new Secret(account).create({ name: 'a' }, call({ signal: stop.signal }));
      setTimeout(() => stop.abort(), 200);
      await assert.rejects(made, /InvalidRequestException: .* already scheduled for deletion\.$/);
      fake.replies['secretsmanager.DescribeSecret'] = described;
      await assert.rejects(
        new Secret(account).create({ name: 'a' }, call()),
        /ResourceExistsException: exists$/,
      );
    });

    it('that waits for its deletion is gone', async () => {
      fake.replies = { 'secretsmanager.DescribeSecret': { ...described, DeletedDate: 1 } };
      assert.deepEqual(await new Secret(account).read(arn, {}, call()), {});
      fake.replies = { 'secretsmanager.DescribeSecret': { fail: 'ResourceNotFoundException' } };
      assert.deepEqual(await new Secret(account).read(arn, {}, call()), {});
    });

    it('is read at an import as inputs that would make it', async () => {
      fake.replies = {
        'secretsmanager.DescribeSecret': { ...described, Description: 'd', KmsKeyId: 'k' },
        'secretsmanager.GetResourcePolicy': {},
      };
      const { inputs } = await new Secret(account).read(arn, {}, call());
      assert.deepEqual(inputs, {
        name: 'hummingbot/trading',
        description: 'd',
        kmsKeyId: 'k',
        region: 'eu-west-1',
        tags: { owner: 'o' },
        __defaults: [],
      });
    });

    it('is deleted with its window, or at once with 0', async () => {
      fake.replies = {
        'secretsmanager.DeleteSecret': {},
        'secretsmanager.DescribeSecret': { ...described, DeletedDate: 1 },
      };
      await new Secret(account).delete(arn, { recoveryWindowInDays: 7 }, call());
      await new Secret(account).delete(arn, { recoveryWindowInDays: 0 }, call());
      const asked = fake.asked.filter(({ action }) => action.endsWith('DeleteSecret'));
      assert.deepEqual(
        asked.map(({ input }) => input),
        [
          { SecretId: arn, RecoveryWindowInDays: 7 },
          { SecretId: arn, ForceDeleteWithoutRecovery: true },
        ],
      );
    });

    it('that was made and not finished is handed to the engine', async () => {
      fake.replies = {
        'secretsmanager.CreateSecret': { ARN: arn },
        'secretsmanager.PutResourcePolicy': { fail: 'AccessDeniedException', message: 'no' },
      };
      const inputs = { name: 'a', policy: '{"Statement":[{}]}' };
      await assert.rejects(new Secret(account).create(inputs, call()), (error: unknown) => {
        assert.ok(error instanceof InitialisationError);
        assert.equal(error.id, arn);
        assert.match(error.message, /PutResourcePolicy, .*AccessDeniedException: no$/);
        return true;
      });
    });

    it('writes nothing in a preview, and keeps what is known of it', async () => {
      const preview = call({ preview: true });
      assert.deepEqual(await new Secret(account).create({ name: 'a', __defaults: [] }, preview), {
        id: '',
        outs: { name: 'a' },
      });
      const news = { name: 'a', description: 'n', __defaults: [] };
      const { outs } = await new Secret(account).update(arn, { name: 'a', arn }, news, preview);
      assert.deepEqual(outs, { name: 'a', description: 'n', arn });
      assert.deepEqual(fake.asked, []);
    });
  });

  describe('SecretVersion', () => {
    const value = makeCanary('value');
    const stages = ['AWSCURRENT'];
    const found = { ARN: arn, VersionId: 'v2', SecretString: value, VersionStages: stages };

    it('puts the value with a token of its own, and marks it as secret', async () => {
      fake.replies = {
        'secretsmanager.PutSecretValue': { VersionId: 'v2' },
        'secretsmanager.GetSecretValue': found,
      };
      const inputs = { secretId: arn, secretString: value };
      const marked = { secretId: arn, secretString: secret(value) };
      const { id, outs } = await new SecretVersion(account).create(inputs, call({ marked }));
      assert.equal(id, `${arn}|v2`);
      assert.match(
        String(fake.asked[0]?.input.ClientRequestToken),
        /^terraform-\d{18}[0-9a-f]{8}$/,
      );
      assert.equal(isSecret(outs?.secretString), true);
      const { secretString, ...rest } = outs as Properties;
      assert.equal(unwrap(secretString), value);
      assert.deepEqual(leaks(JSON.stringify(rest), new Map([['value', value]])), []);
      assert.deepEqual(
        [rest.versionId, rest.versionStages, rest.secretArn, rest.arn],
        ['v2', stages, arn, arn],
      );
    });

    it('marks the value in a preview and after a read, too', async () => {
      const inputs = { secretId: arn, secretString: value };
      const handler = new SecretVersion(account);
      const { outs } = await handler.create(inputs, call({ preview: true }));
      assert.equal(isSecret(outs?.secretString), true);
      fake.replies = { 'secretsmanager.GetSecretValue': found };
      const read = await handler.read(`${arn}|v2`, {}, call());
      assert.equal(isSecret(read.props?.secretString), true);
      assert.equal(isSecret(read.inputs?.secretString), true);
    });

    it('is replaced by another value, the new one first', async () => {
      const olds = { secretId: arn, secretString: 'a', versionStages: stages };
      const news = { secretId: arn, secretString: 'b', __defaults: [] };
      const diff = await new SecretVersion(account).diff('', olds, news);
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [['secretString'], false]);
      const later = { ...news, secretString: unknown };
      assert.deepEqual((await new SecretVersion(account).diff('', olds, later)).replaces, [
        'secretString',
      ]);
    });

    it('that was current is left as it is when it goes: AWSPREVIOUS keeps the old value', async () => {
      const now = { ...found, VersionId: 'v1', VersionStages: ['AWSPREVIOUS'] };
      fake.replies = { 'secretsmanager.GetSecretValue': now };
      const state = { secretId: arn, versionStages: stages };
      await new SecretVersion(account).delete(`${arn}|v1`, state, call());
      assert.deepEqual(fake.actions(), ['GetSecretValue']);
    });

    it('loses labels that the state knows of it, but AWSCURRENT', async () => {
      fake.replies = {
        'secretsmanager.UpdateSecretVersionStage': {},
        'secretsmanager.GetSecretValue': { fail: 'ResourceNotFoundException' },
      };
      const state = { secretId: arn, versionStages: ['AWSCURRENT', 'AWSPREVIOUS', 'own'] };
      await new SecretVersion(account).delete(`${arn}|v1`, state, call());
      const labels = fake.asked
        .filter(({ action }) => action.endsWith('UpdateSecretVersionStage'))
        .map(({ input }) => input.VersionStage);
      assert.deepEqual(labels, ['AWSPREVIOUS', 'own']);
    });

    it('is gone with its secret', async () => {
      for (const message of ['because it was marked for deletion', 'because it was deleted']) {
        const fail = { fail: 'InvalidRequestException', message };
        fake.replies = { 'secretsmanager.GetSecretValue': fail };
        assert.deepEqual(await new SecretVersion(account).read(`${arn}|v1`, {}, call()), {});
      }
    });

    it('fails without a word of the value', async () => {
      const message = `cannot take ${value}`;
      fake.replies = {
        'secretsmanager.PutSecretValue': { fail: 'EncryptionFailure', message },
      };
      const inputs = { secretId: arn, secretString: JSON.stringify({ key: value }) };
      await assert.rejects(new SecretVersion(account).create(inputs, call()), (error: Error) => {
        assert.match(error.message, /PutSecretValue, .*, EncryptionFailure$/);
        assert.deepEqual(leaks(`${error.message}${error.stack}`, new Map([['value', value]])), []);
        return true;
      });
    });
  });

  it('SecretPolicy: gone from AWS, it is put back by the next update', async () => {
    fake.replies = { 'secretsmanager.GetResourcePolicy': { ARN: arn, Name: 'n' } };
    const handler = new SecretPolicy(account);
    const { props } = await handler.read(arn, { policy: '{"Statement":[]}' }, call());
    assert.equal(props?.policy, '');
    const news = { secretArn: arn, policy: '{"Statement":[]}', __defaults: [] };
    assert.deepEqual((await handler.diff(arn, unwrap(props) as Properties, news)).diffs, [
      'policy',
    ]);
  });

  it('Key: one that is pending deletion is gone, and its deletion is not asked for twice', async () => {
    fake.replies = {
      'kms.DescribeKey': { KeyMetadata: { KeyId: 'k', KeyState: 'PendingDeletion' } },
      'kms.ScheduleKeyDeletion': {
        fail: 'KMSInvalidStateException',
        message: 'k is pending deletion.',
      },
    };
    assert.deepEqual(await new Key(account).read('k', {}, call()), {});
    await new Key(account).delete('k', { deletionWindowInDays: 7 }, call());
    assert.deepEqual(fake.asked.at(-1)?.input, { KeyId: 'k', PendingWindowInDays: 7 });
  });

  it('Role: refuses a session of another length, and replaces at another path', async () => {
    const policy = '{"Statement":[]}';
    const news = { name: 'r', assumeRolePolicy: policy, maxSessionDuration: 60 };
    const { failures } = await new Role(account).check({}, news, call({ marked: news }));
    assert.deepEqual(failures, [
      { property: 'maxSessionDuration', reason: 'allowed: a whole number from 3600 to 43200' },
    ]);
    const olds = { name: 'r', assumeRolePolicy: policy, path: '/' };
    const { replaces } = await new Role(account).diff('r', olds, { ...olds, path: '/a/' });
    assert.deepEqual(replaces, ['path']);
  });

  describe('the provider', () => {
    it('refuses an account that is not allowed', async () => {
      const wrong = fake.account({ allowedAccountIds: '["210987654321"]' });
      await assert.rejects(wrong, { message: 'AWS account ID not allowed: 123456789012' });
      await fake.account({ allowedAccountIds: '["123456789012"]' });
    });

    it('wants a region and knows four inputs', async () => {
      const { failures } = await account.checkConfig({ accessKey: 'x', region: '' });
      assert.deepEqual(
        failures?.map(({ property }) => property),
        ['accessKey', 'region'],
      );
      const sent = {
        region: 'a',
        skipRegionValidation: 'true',
        skipCredentialsValidation: 'false',
      };
      assert.deepEqual((await account.checkConfig(sent)).failures, []);
    });

    it('of another region replaces all that it made', async () => {
      const diff = await account.diffConfig({ region: 'a' }, { region: 'b' });
      assert.deepEqual([diff.changes, diff.replaces], [true, ['region']]);
    });
  });
});
