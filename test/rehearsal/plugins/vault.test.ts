import assert from 'node:assert/strict';
import { unwrap } from '../../../plugins/provider-server.ts';
import { secretMark, signature } from '../../../plugins/resource-handler.ts';
import { AuthBackendRole } from '../../../rehearsal/plugins/vault/auth-backend-role.ts';
import { Policy } from '../../../rehearsal/plugins/vault/policy.ts';
import { SecretV2 } from '../../../rehearsal/plugins/vault/secret-v2.ts';
import { VaultServer as Configured } from '../../../rehearsal/plugins/vault/server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { call } from '../../plugins/calls.ts';
import { VaultServer } from '../../vault-server.ts';

const canary = makeCanary('plugin');
const canaries = new Map([['value', canary]]);
const id = 'secret/data/hummingbot/trading';
const metadataPath = 'secret/metadata/hummingbot/trading';
const custom = { stack: 'prod', cas: '2' };
const inputs = {
  mount: 'secret',
  name: 'hummingbot/trading',
  dataJson: JSON.stringify({ key: canary }),
  options: { cas: '2' },
  customMetadata: { casRequired: true, data: custom },
  deleteAllVersions: false,
};

describe('the rehearsal plugin for vault', () => {
  let server: VaultServer;
  let configured: Configured;

  beforeEach(async () => {
    server = new VaultServer();
    await server.start();
    configured = new Configured();
    await configured.configure({ address: server.address, skipChildToken: true });
  });
  afterEach(async () => await server.stop());

  /** Vault as it is after a write. */
  const written = (data: unknown = { key: canary }): void => {
    const metadata = { version: 3, destroyed: false, custom_metadata: custom };
    server.answers.set(id, [200, { data: { data, metadata } }]);
    server.answers.set(metadataPath, [
      200,
      {
        data: {
          cas_required: true,
          max_versions: 0,
          delete_version_after: '0s',
          custom_metadata: custom,
        },
      },
    ]);
  };
  const sent = (method: string) =>
    server.requests
      .filter((request) => request.method === method)
      .map(({ path, body }) => [path, body === '' ? undefined : JSON.parse(body)]);

  it('refuses a setting of the provider that it does not know', async () => {
    const wrong = new Configured().configure({ address: server.address, token: canary });
    await assert.rejects(wrong, (error: Error) => {
      assert.match(error.message, /^token: not in the rehearsal plugin; allowed: address/u);
      assert.deepEqual(leaks(error.message, canaries), []);
      return true;
    });
  });

  describe('SecretV2', () => {
    it('writes the values by what it is told that they follow, then what is known of them', async () => {
      written();
      const made = await new SecretV2(configured).create(inputs, call({ marked: inputs }));
      assert.equal(made.id, id);
      assert.deepEqual(sent('PUT'), [
        [id, { data: { key: canary }, options: { cas: '2' } }],
        [metadataPath, { cas_required: true, custom_metadata: custom }],
      ]);
      const outs = unwrap(made.outs) as typeof inputs & { metadata: Record<string, string> };
      assert.equal(outs.metadata.version, '3');
      assert.deepEqual(outs.options, { cas: '2' });
    });

    it('marks values as secret, also when it reads', async () => {
      written();
      const secret = new SecretV2(configured);
      const made = await secret.create(inputs, call({ marked: inputs }));
      const read = await secret.read(id, inputs, call({ oldInputs: inputs, marked: inputs }));
      for (const props of [made.outs, read.props, read.inputs]) {
        const { dataJson } = props as Record<string, Record<string, unknown>>;
        assert.equal(dataJson?.[signature], secretMark);
      }
      const { data } = made.outs as Record<string, Record<string, unknown>>;
      assert.equal(data?.[signature], secretMark);
    });

    it('writes nothing in a preview', async () => {
      await new SecretV2(configured).create(inputs, call({ marked: inputs, preview: true }));
      assert.deepEqual(server.requests, []);
    });

    it('finds no difference in what it has written and read', async () => {
      written();
      const secret = new SecretV2(configured);
      const { outs } = await secret.create(inputs, call({ marked: inputs }));
      const { changes, diffs } = await secret.diff(id, unwrap(outs) as typeof inputs, inputs);
      assert.deepEqual([changes, diffs], [false, []]);
      const spaced = { ...inputs, dataJson: ` { "key" : ${JSON.stringify(canary)} } ` };
      assert.equal((await secret.diff(id, unwrap(outs) as typeof inputs, spaced)).changes, false);
    });

    it('finds what was changed or deleted by hand', async () => {
      const secret = new SecretV2(configured);
      for (const data of [{ key: 'by hand' }, null]) {
        written(data);
        const { props } = await secret.read(id, inputs, call({ oldInputs: inputs }));
        const found = await secret.diff(id, unwrap(props) as typeof inputs, inputs);
        assert.deepEqual(found.diffs, ['dataJson']);
        assert.deepEqual(found.replaces, []);
      }
      server.answers.delete(id);
      assert.deepEqual(await secret.read(id, inputs, call({ oldInputs: inputs })), {});
    });

    it('says in one line, without a value, that somebody else wrote', async () => {
      const phrase = 'check-and-set parameter did not match the current version';
      server.answers.set(id, [400, { errors: [`${phrase} ${canary}`] }]);
      await assert.rejects(
        new SecretV2(configured).create(inputs, call({ marked: inputs })),
        (error: Error) => {
          assert.match(
            error.message,
            /^creating KV version 2 secret \(secret\/data\/hummingbot\/trading\): Vault http\S+: secret\/data\/hummingbot\/trading: got 400 check-and-set parameter did not match the current version$/u,
          );
          assert.deepEqual(leaks(error.message, canaries), []);
          return true;
        },
      );
      assert.equal(sent('PUT').length, 1);
    });

    it('marks the newest version as deleted, or removes all of them', async () => {
      const secret = new SecretV2(configured);
      await secret.delete(id, inputs);
      await secret.delete(id, { ...inputs, deleteAllVersions: true });
      assert.deepEqual(
        sent('DELETE').map(([path]) => path),
        [id, metadataPath],
      );
    });

    it('refuses the input cas, which the official provider sends where nobody looks', async () => {
      const { failures } = await new SecretV2(configured).check({}, { ...inputs, cas: 2 }, call());
      assert.deepEqual(
        failures?.map(({ property }) => property),
        ['cas'],
      );
    });
  });

  it('writes a policy again that is gone', async () => {
    const policy = new Policy(configured);
    const news = { name: 'reader', policy: 'path "a" {}' };
    const { props } = await policy.read('reader', news, call({ oldInputs: news }));
    assert.deepEqual((await policy.diff('reader', unwrap(props) as typeof news, news)).diffs, [
      'policy',
    ]);
    server.answers.set('sys/policies/acl/reader', [200, { data: { policy: news.policy } }]);
    await policy.update('reader', news, news, call({ marked: news }));
    assert.deepEqual(sent('PUT'), [['sys/policies/acl/reader', { policy: news.policy }]]);
  });

  it('writes a role by the names that Vault has for its fields', async () => {
    const role = new AuthBackendRole(configured);
    const path = 'auth/kubernetes/role/reader';
    const fields = {
      audience: 'vault',
      bound_service_account_names: ['b', 'a'],
      bound_service_account_namespaces: ['n'],
      token_max_ttl: 300,
      token_no_default_policy: true,
      token_policies: ['p'],
      token_ttl: 300,
    };
    server.answers.set(path, [200, { data: fields }]);
    const news = {
      backend: 'kubernetes',
      roleName: 'reader',
      audience: 'vault',
      boundServiceAccountNames: ['a', 'b'],
      boundServiceAccountNamespaces: ['n'],
      tokenMaxTtl: 300,
      tokenNoDefaultPolicy: true,
      tokenPolicies: ['p'],
      tokenTtl: 300,
    };
    const { id: made, outs } = await role.create(news, call({ marked: news }));
    assert.equal(made, path);
    assert.deepEqual(sent('PUT'), [[path, { ...fields, bound_service_account_names: ['a', 'b'] }]]);
    assert.equal((await role.diff(path, unwrap(outs) as typeof news, news)).changes, false);
  });
});
