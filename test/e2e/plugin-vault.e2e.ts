/** The rehearsal plugin for vault and the functions that look at one, on a real Vault: no cluster, no engine. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goTool } from '../../operations/engine/go.ts';
import { StackState } from '../../operations/rotation/stack-state.ts';
import { removeVaultCopies } from '../../operations/rotation/vault-copies.ts';
import { getKvTurn, getVault } from '../../plugins/hummingbot/vault.ts';
import { unwrap } from '../../plugins/provider-server.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import { SecretV2 } from '../../rehearsal/plugins/vault/secret-v2.ts';
import { VaultServer } from '../../rehearsal/plugins/vault/server.ts';
import { Servers } from '../../rehearsal/servers/process.ts';
import { openVault } from '../../rehearsal/servers/vault.ts';
import { vault } from '../../rehearsal/tools/tools.ts';
import { call } from '../plugins/calls.ts';

type Metadata = Readonly<Record<string, string>>;

const [mount, name] = ['secret', 'hb/trading'];
const id = `${mount}/data/${name}`;
const first = { stack: 'prod', tag: 'first' };
const second = { stack: 'prod', tag: 'second' };

describe('a real Vault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vault-'));
  const saved = { ...process.env };
  let address = '';
  let api: VaultApi;
  let secret: SecretV2;

  before(async () => {
    const servers = new Servers(folder);
    const opened = await openVault({ folder, servers, binary: await goTool(vault) });
    address = opened.address;
    Object.assign(process.env, { HOME: folder, VAULT_TOKEN: opened.keys.rootToken });
    api = await VaultApi.connect(address);
    const server = new VaultServer();
    await server.configure({ address, skipChildToken: true });
    secret = new SecretV2(server);
  });
  after(async () => {
    process.env = saved;
    await new Servers(folder).stopAll();
    rmSync(folder, { recursive: true });
  });

  async function turn(metadata: Metadata): Promise<number> {
    return Number((await getKvTurn({ address, mount, name, metadata }, call())).cas);
  }

  function inputs(cas: number, value: string, metadata: Metadata) {
    return {
      mount,
      name,
      dataJson: JSON.stringify({ key: value }),
      options: { cas: `${cas}` },
      customMetadata: { casRequired: true, data: { ...metadata, cas: `${cas}` } },
      deleteAllVersions: false,
    };
  }

  /** Writes, and looks that there is nothing to do afterwards. @returns the version */
  async function write(cas: number, value: string, metadata: Metadata): Promise<string> {
    const news = inputs(cas, value, metadata);
    const { outs } = await secret.update(id, {}, news, call({ marked: news }));
    const found = unwrap(outs) as typeof news & { metadata: Record<string, string> };
    assert.equal((await secret.diff(id, found, news)).changes, false);
    assert.equal(await turn(metadata), cas);
    return String(found.metadata.version);
  }

  it('makes of a write by check-and-set the version behind it, and tells the next run so', async () => {
    assert.equal(await turn(first), 0);
    assert.equal(await write(0, 'one', first), '1');
    assert.equal(await turn(second), 1);
    assert.equal(await write(1, 'two', second), '2');
  });

  it('takes nothing that follows an older version, or does not say', async () => {
    await api.write(id, { data: { key: 'by hand' }, options: { cas: 2 } });
    const late = inputs(2, 'late', second);
    await assert.rejects(secret.update(id, {}, late, call()), /check-and-set parameter did not/u);
    await assert.rejects(api.write(id, { data: {} }), /check-and-set parameter required/u);
    assert.equal(await turn(second), 3);
    assert.equal(await write(3, 'two', second), '4');
  });

  it('is written again after a deletion and after a destruction', async () => {
    await api.remove(id);
    const old = inputs(3, 'two', second);
    const { props } = await secret.read(id, old, call({ oldInputs: old, marked: old }));
    assert.equal((unwrap(props) as typeof old).dataJson, 'null');
    assert.equal(await turn(second), 4);
    assert.equal(await write(4, 'two', second), '5');
    await api.write(`${mount}/destroy/${name}`, { versions: [5] });
    assert.equal(await turn(second), 5);
    assert.equal(await write(5, 'two', second), '6');
  });

  it('has its older versions destroyed by the token that deploys, and takes the next write as before', async () => {
    const policy = readFileSync('docs/targets/vault-deployer.hcl', 'utf8');
    const own = policy.replaceAll('/hummingbot/', '/hb/');
    await api.write('sys/policies/acl/deployer', { policy: own });
    const made = await api.write('auth/token/create', { policies: ['deployer'] });
    const { client_token: token = '' } = (made?.auth ?? {}) as { client_token?: string };
    const root = process.env.VAULT_TOKEN ?? '';
    process.env.VAULT_TOKEN = token;
    try {
      const state = (cas: number): StackState =>
        new StackState({
          version: 3,
          deployment: {
            resources: [
              {
                urn: 'urn:stack',
                type: 'pulumi:pulumi:Stack',
                outputs: { tags: { trading: { group: second.tag } } },
              },
              { urn: 'urn:provider', type: 'pulumi:providers:vault', inputs: { address } },
              {
                urn: 'urn::trading-kv',
                type: 'vault:kv/secretV2:SecretV2',
                inputs: { mount, name, options: { cas: `${cas}` } },
                provider: 'urn:provider::1',
              },
            ],
          },
        });
      await assert.rejects(removeVaultCopies('trading', state(4)), /another current version/u);
      assert.equal((await removeVaultCopies('trading', state(5)))?.count, 4);
      const { versions } = (await api.read(`${mount}/metadata/${name}`)) ?? {};
      const alive = Object.entries(versions as Record<string, { destroyed: boolean }>)
        .filter(([, { destroyed }]) => !destroyed)
        .map(([number]) => number);
      assert.deepEqual(alive, ['6']);
      assert.equal((await removeVaultCopies('trading', state(5)))?.count, 0);
      assert.equal(await turn(second), 5);
      assert.equal(await turn(first), 6);
      assert.equal(await write(6, 'three', first), '7');
    } finally {
      process.env.VAULT_TOKEN = root;
    }
  });

  it('has nothing left when all versions are deleted', async () => {
    await secret.delete(id, { ...inputs(5, 'two', second), deleteAllVersions: true });
    assert.equal(await turn(second), 0);
    assert.deepEqual(await secret.read(id, {}, call()), {});
  });

  it('is known by its cluster id, by an engine of version 2, and when it is sealed', async () => {
    const { cluster_id: known } = await api.health();
    const look = async (at: string) =>
      await getVault({ address, mount: at, names: [name] }, call());
    assert.deepEqual(await look(mount), { id: known, owners: [] });
    assert.match(JSON.stringify(await look('nowhere')), /no engine KV version 2/u);
    await api.write('sys/seal', {});
    assert.match(JSON.stringify(await look(mount)), /a sealed Vault.*vault operator unseal/u);
  });
});
