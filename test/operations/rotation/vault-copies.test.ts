import assert from 'node:assert/strict';
import { StackState } from '../../../operations/rotation/stack-state.ts';
import { removeVaultCopies } from '../../../operations/rotation/vault-copies.ts';
import { VaultServer } from '../../vault-server.ts';

const name = 'hummingbot/trading';
const provider = 'urn:provider';

describe('old versions in Vault', () => {
  const server = new VaultServer();
  before(async () => await server.start());
  after(async () => await server.stop());
  beforeEach(() => server.requests.splice(0));

  function stateOf(cas: number): StackState {
    const inputs = { mount: 'secret', name, options: { cas: `${cas}` } };
    const type = 'vault:kv/secretV2:SecretV2';
    const resources = [
      {
        urn: 'urn:stack',
        type: 'pulumi:pulumi:Stack',
        outputs: { tags: { trading: { group: 'now' } } },
      },
      { urn: provider, type: 'pulumi:providers:vault', inputs: { address: server.address } },
      { urn: 'urn::trading-kv', type, inputs, provider: `${provider}::1`, delete: false },
    ];
    return new StackState({ version: 3, deployment: { resources } });
  }

  function vaultHas(current: number, tag: string): void {
    const versions = Object.fromEntries(
      Array.from({ length: current }, (_, at) => [`${at + 1}`, { destroyed: at === 0 }]),
    );
    const data = { current_version: current, versions, custom_metadata: { tag } };
    server.answers.set(`secret/metadata/${name}`, [200, { data }]);
    server.answers.set(`secret/destroy/${name}`, [204, {}]);
  }
  const destroyed = (): readonly string[] =>
    server.requests.filter(({ path }) => path.includes('destroy')).map(({ body }) => body);

  it('are destroyed by number, those before the one that the state has', async () => {
    vaultHas(4, 'now');
    const removed = await removeVaultCopies('trading', stateOf(3));
    assert.deepEqual(removed, { place: `Vault secret secret/${name}`, count: 2 });
    assert.deepEqual(destroyed(), ['{"versions":[2,3]}']);
    vaultHas(1, 'now');
    assert.equal((await removeVaultCopies('trading', stateOf(0)))?.count, 0);
    assert.equal(destroyed().length, 1);
    assert.equal(await removeVaultCopies('monitoring', stateOf(3)), undefined);
  });

  it('stay when the current one is not what was delivered last', async () => {
    for (const [current, tag] of [
      [5, 'now'],
      [4, 'another'],
    ] as const) {
      vaultHas(current, tag);
      await assert.rejects(
        removeVaultCopies('trading', stateOf(3)),
        /^CommandError: Vault secret [^\n]+: got another current version [^\n]+; fix: npm start[^\n]+$/u,
      );
    }
    assert.deepEqual(destroyed(), []);
  });

  it('of a token that may not destroy, are a line that names the policy', async () => {
    vaultHas(4, 'now');
    server.answers.set(`secret/destroy/${name}`, [403, { errors: ['permission denied'] }]);
    await assert.rejects(
      removeVaultCopies('trading', stateOf(3)),
      /got 403 permission denied for its old versions; allowed: a token with update on secret\/destroy\/\S+; fix: [^\n]+vault-deployer\.hcl lists$/u,
    );
  });
});
