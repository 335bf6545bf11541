import assert from 'node:assert/strict';
import { getKvTurn, getVault } from '../../../plugins/hummingbot/vault.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { VaultServer } from '../../vault-server.ts';
import { call } from '../calls.ts';

const canary = makeCanary('vault');
const canaries = new Map([['vault', canary]]);
const id = '1c2d3e4f-5061-4273-8495-a6b7c8d9e0f1';
const kv = { data: { type: 'kv', options: { version: '2' } } };
const path = 'secret/metadata/hummingbot/trading';

describe('the functions that look at a Vault', () => {
  let server: VaultServer;
  const saved = { ...process.env };

  beforeEach(async () => {
    server = new VaultServer();
    await server.start();
    process.env.VAULT_TOKEN = canary;
    process.env.HOME = '/nonexistent';
    server.answers.set('sys/health', [200, { initialized: true, sealed: false, cluster_id: id }]);
    server.answers.set('auth/token/lookup-self', [200, { data: { display_name: 'x' } }]);
    server.answers.set('sys/internal/ui/mounts/secret', [200, kv]);
  });
  afterEach(async () => {
    process.env = { ...saved };
    await server.stop();
  });

  describe('getVault', () => {
    const found = async () => {
      const names = ['hummingbot/trading', 'hummingbot/monitoring'];
      const args = { address: server.address, mount: 'secret', names };
      const answer = await getVault(args, call());
      assert.deepEqual(leaks(JSON.stringify(answer), canaries), []);
      return answer;
    };

    it('says which Vault it is, and of which stack its secrets are', async () => {
      server.answers.set(path, [200, { data: { custom_metadata: { stack: 'prod' } } }]);
      assert.deepEqual(await found(), {
        id,
        owners: [{ name: 'hummingbot/trading', stack: 'prod' }],
      });
      assert.ok(server.requests.every(({ method }) => method === 'GET'));
      assert.ok(server.requests.every(({ path: asked }) => !asked.includes('/data/')));
    });

    const cases: readonly (readonly [string, () => void, RegExp])[] = [
      [
        'is sealed',
        () => server.answers.set('sys/health', [200, { initialized: true, sealed: true }]),
        /^vaultAddress: a sealed Vault; an unsealed one; vault operator unseal -address=http/,
      ],
      [
        'is not initialised',
        () => server.answers.set('sys/health', [200, { initialized: false, sealed: true }]),
        /^vaultAddress: a Vault that is not initialised; .*; vault operator init /,
      ],
      [
        'is asked without a token',
        () => delete process.env.VAULT_TOKEN,
        /^vaultAddress: no token; .*; vault login -address=.*, or VAULT_TOKEN$/,
      ],
      [
        'does not take the token',
        () =>
          server.answers.set('auth/token/lookup-self', [
            403,
            { errors: [`${canary} is not good`] },
          ]),
        /^vaultAddress: a token that Vault does not take; /,
      ],
      [
        'has no such engine',
        () => server.answers.set('sys/internal/ui/mounts/secret', [403, {}]),
        /^vaultMount: secret, where there is no engine KV version 2 .*; vault secrets enable .* -path=secret -version=2 kv/,
      ],
      [
        'has an engine of version 1',
        () => server.answers.set('sys/internal/ui/mounts/secret', [200, { data: { type: 'kv' } }]),
        /^vaultMount: secret, where there is no engine KV version 2 /,
      ],
      [
        'does not let the metadata be read',
        () => server.answers.set(path, [403, { errors: ['permission denied', canary] }]),
        /^vaultMount: secret\/metadata\/hummingbot\/trading, which the token may not read; .*docs\/targets\/vault\.md/,
      ],
    ];
    for (const [name, arrange, line] of cases) {
      it(`says what to do with one that ${name}`, async () => {
        arrange();
        const { mistake } = (await found()) as { mistake: Record<string, string> };
        assert.match(`${mistake.what}: ${mistake.got}; ${mistake.allowed}; ${mistake.fix}`, line);
      });
    }

    it('fails in one line when nobody answers, without the token', async function () {
      this.timeout(10_000);
      await server.stop();
      const args = { address: 'http://127.0.0.1:1', mount: 'secret', names: [] };
      await assert.rejects(getVault(args, call()), (error: Error) => {
        assert.match(error.message, /^Vault http:\/\/127\.0\.0\.1:1: got ECONNREFUSED$/u);
        assert.deepEqual(leaks(error.message, canaries), []);
        return true;
      });
      await server.start();
    });
  });

  describe('getKvTurn', () => {
    const metadata = { stack: 'prod', tag: 'abcdefghij' };
    const turn = async () => {
      const args = {
        address: server.address,
        mount: 'secret',
        name: 'hummingbot/trading',
        metadata,
      };
      return (await getKvTurn(args, call())).cas;
    };
    const holds = (found: Record<string, unknown>) =>
      server.answers.set(path, [
        200,
        {
          data: {
            cas_required: true,
            current_version: 3,
            versions: { 3: { deletion_time: '', destroyed: false } },
            custom_metadata: { ...metadata, cas: '2' },
            ...found,
          },
        },
      ]);

    it('is 0 where there is no secret, so that nobody else may have made one', async () => {
      assert.equal(await turn(), 0);
      holds({ current_version: 0, versions: {} });
      assert.equal(await turn(), 0);
    });

    it('stays what it was after the last write of the same, so that nothing is written', async () => {
      holds({});
      assert.equal(await turn(), 2);
    });

    const others: readonly (readonly [string, Record<string, unknown>])[] = [
      ['other values', { custom_metadata: { ...metadata, tag: 'klmnopqrst', cas: '2' } }],
      ['other metadata', { custom_metadata: { ...metadata, owner: 'x', cas: '2' } }],
      ["somebody else's write", { custom_metadata: { ...metadata, cas: '1' } }],
      ['a write that was cut short before its metadata', { custom_metadata: null }],
      [
        'a deletion',
        { versions: { 3: { deletion_time: '2026-11-27T00:00:00Z', destroyed: false } } },
      ],
      ['a destruction', { versions: { 3: { deletion_time: '', destroyed: true } } }],
      ['writes that need not say what they follow', { cas_required: false }],
    ];
    for (const [name, found] of others) {
      it(`is the newest version after ${name}`, async () => {
        holds(found);
        assert.equal(await turn(), 3);
      });
    }

    it('is no number when Vault refuses, and says so in one line', async () => {
      server.answers.set(path, [403, { errors: [`permission denied ${canary}`] }]);
      await assert.rejects(turn(), (error: Error) => {
        assert.match(
          error.message,
          /^Vault http:.*: secret\/metadata\/hummingbot\/trading: got 403 permission denied$/u,
        );
        return true;
      });
    });
  });
});
