/** Target vault on a real Vault: what its token, its role and check-and-set hold, and its refusals. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isObject } from '../../plugins/resource-handler.ts';
import { VaultApi, VaultError } from '../../plugins/vault-api.ts';
import { Servers } from '../../rehearsal/servers/process.ts';
import { vaultKeys } from '../../rehearsal/servers/vault.ts';
import { leaks, makeCanary } from '../canary.ts';
import type { Result } from './checkout.ts';
import { driftOf } from './drift-report.ts';
import { assertFailed } from './failed-run.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

const data = 'secret/data/hummingbot/trading';
const metadata = 'secret/metadata/hummingbot/trading';
const key = 'kucoin_passphrase';

describe('a stack with target vault', () => {
  const stack = new RehearsedStack('prod');
  const canaries = new Map<string, string>();

  before(async function () {
    if (!canRehearse) this.skip();
    stack.commit('targets', ['vault']);
    await stack.start();
  });
  after(async () => await stack.end());

  const address = (): string => String(stack.environment.VAULT_ADDR);
  const as = async (token: string): Promise<VaultApi> =>
    await VaultApi.connect(address(), { VAULT_TOKEN: token });
  const deployer = async (): Promise<VaultApi> => await as(String(stack.environment.VAULT_TOKEN));

  async function newest(): Promise<number> {
    return Number((await (await deployer()).read(metadata))?.current_version);
  }

  async function forbidden(asked: Promise<unknown>): Promise<void> {
    await assert.rejects(asked, (error) => error instanceof VaultError && error.status === 403);
  }

  /** The one line of a run that the program refused before it changed anything. */
  function refusal(result: Result, line: RegExp): void {
    assertFailed(result, line, canaries);
    assert.match(result.stdout + result.stderr, /nothing was changed/u);
  }

  async function pinned(): Promise<readonly string[]> {
    const { stdout } = await stack.kubectl('get', 'externalsecrets', '-o', 'json');
    const { items } = JSON.parse(stdout) as {
      items: readonly { spec: { data: readonly { remoteRef: Record<string, string> }[] } }[];
    };
    const versions = items.flatMap(({ spec }) =>
      spec.data
        .filter(({ remoteRef }) => remoteRef.key === 'hummingbot/trading')
        .map(({ remoteRef }) => remoteRef.version ?? 'none'),
    );
    return [...new Set(versions)];
  }

  it('writes one version a change, and pins the bot to it', async () => {
    assert.equal(await newest(), 1);
    assert.deepEqual(await pinned(), ['1']);
    canaries.set('changed', makeCanary('changed'));
    await stack.set(key, canaries.get('changed') ?? '');
    // By the two commands that docs/guide.md shows.
    canaries.set('rotated', makeCanary('rotated'));
    const rotate = ['examples/guide/rotate.sh', '--yes'];
    const { code, stdout, stderr } = await stack.run('sh', rotate, canaries.get('rotated') ?? '');
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await newest(), 2);
    assert.deepEqual(await pinned(), ['2']);
    const keystore = await stack.keystore();
    assert.ok(keystore.get('kucoin.kucoin_passphrase') === canaries.get('changed'));
    assert.ok(keystore.get('binance.binance_api_key') === canaries.get('rotated'));
  });

  it('takes no write that does not say what it follows, or says something old', async () => {
    const api = await deployer();
    for (const options of [{}, { cas: 1 }]) {
      await assert.rejects(
        api.write(data, { data: { [key]: 'by hand' }, options }),
        /got 400 check-and-set parameter (?:required|did not match)/u,
      );
    }
    assert.equal(await newest(), 2);
  });

  it('writes over what somebody wrote by hand, as a version behind it', async () => {
    await (await deployer()).write(data, { data: { [key]: 'by hand' }, options: { cas: 2 } });
    const drift = async () => await driftOf(async (...words) => await stack.run(...words));
    const [found, ...more] = await drift();
    assert.deepEqual(more, []);
    assert.match(
      `${found?.kind} ${found?.place}: ${found?.found}`,
      /^changed Vault secret secret\/hummingbot\/trading: version 3, written 20/u,
    );
    assert.equal((await stack.npmStart()).code, 0);
    assert.deepEqual(await drift(), []);
    assert.equal(await newest(), 4);
    assert.deepEqual(await pinned(), ['4']);
    assert.equal((await stack.keystore()).get('kucoin.kucoin_passphrase'), canaries.get('changed'));
  });

  it('gives the operator its paths and nothing else, and nobody else the operator’s role', async () => {
    const { access, namespace } = stack;
    const login = async (account: string, audience: string): Promise<VaultApi> => {
      const made = await access.core.createNamespacedServiceAccountToken({
        name: account,
        namespace,
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences: [audience], expirationSeconds: 600 },
        },
      });
      const role = 'hummingbot-prod-secrets-reader';
      const words = { role, jwt: made.status?.token ?? '' };
      const answer = await (await as('')).write('auth/kubernetes/login', words);
      const { client_token: token } = (isObject(answer?.auth) ? answer.auth : {}) as {
        client_token?: string;
      };
      return await as(token ?? '');
    };
    const reader = await login('hummingbot-secrets-reader', 'vault');
    assert.ok(isObject((await reader.read(data))?.data));
    for (const path of [
      metadata,
      'secret/data/hummingbot/other',
      'secret/data/hummingbot/trading/more',
      'sys/policies/acl/hummingbot-prod-secrets-reader',
    ]) {
      await forbidden(reader.read(path));
    }
    await forbidden(reader.write(data, { data: {}, options: { cas: 4 } }));
    await forbidden(login('default', 'vault'));
    await forbidden(login('hummingbot-secrets-reader', 'https://kubernetes.default.svc'));
  });

  it('needs no more than the policy that the documentation lists', async () => {
    const api = await deployer();
    for (const path of ['secret/data/other', 'sys/policies/acl/root', 'auth/kubernetes/config']) {
      await forbidden(api.read(path));
    }
  });

  it('refuses a path that another stack writes', async () => {
    const api = await deployer();
    const own = (await api.read(metadata))?.custom_metadata as Record<string, string>;
    await api.write(metadata, { custom_metadata: { ...own, stack: 'staging' } });
    refusal(
      await stack.npmStart(),
      /prefix: got secret\/hummingbot\/trading, which stack staging writes; allowed: .*; fix: .*prefix hummingbot-prod/u,
    );
    await api.write(metadata, { custom_metadata: own });
  });

  it('refuses another Vault, and a token that is none', async () => {
    const id = '00000000-0000-4000-8000-000000000000';
    const { stdout } = await stack.pulumi(['config', 'get', 'vaultId']);
    await stack.pulumi(['config', 'set', 'vaultId', id]);
    refusal(await stack.up(), /vaultId: got [0-9a-f-]{36}; allowed: 00000000-/u);
    await stack.pulumi(['config', 'set', 'vaultId', stdout.trim()]);
    stack.detour = { VAULT_TOKEN: 'worth-nothing' };
    refusal(
      await stack.up(),
      /vaultAddress: got a token that Vault does not take; .*vault login -address=/u,
    );
    stack.detour = {};
  });

  describe('when a write fails', () => {
    let own: { readonly pod: string | undefined; readonly pins: readonly string[] };

    before(async () => {
      own = { pod: (await stack.pod()).metadata?.uid, pins: await pinned() };
      canaries.set('refused', makeCanary('refused'));
      await stack.set(key, canaries.get('refused') ?? '');
    });

    /** The bot runs on what it had, and nothing new is delivered. */
    async function assertUntouched(): Promise<void> {
      assert.equal((await stack.pod()).metadata?.uid, own.pod);
      assert.deepEqual(await pinned(), own.pins);
    }

    it('for a token that may only look, is one line, and the bot runs on', async () => {
      const root = await as(vaultKeys(stack.folder).rootToken);
      const policy = `path "secret/*" {\n  capabilities = ["read"]\n}\n`;
      await root.write('sys/policies/acl/looker', { policy });
      const made = await root.write('auth/token/create', { policies: ['looker'] });
      const { client_token: token = '' } = (made?.auth ?? {}) as { client_token?: string };
      const version = await newest();
      stack.detour = { VAULT_TOKEN: token };
      const line =
        /KV version 2 secret \(secret\/data\/hummingbot\/trading\): .*got 403 permission denied$/u;
      assertFailed(await stack.up(), line, canaries);
      stack.detour = {};
      assert.equal(await newest(), version);
      await assertUntouched();
    });

    it('because somebody wrote meanwhile, is one line, and theirs stands', async () => {
      const api = await deployer();
      const child = stack.begin('pulumi up');
      const finished = stack.checkout.finish(child);
      // One write after the other, so that one falls between the look at the version and the write.
      let cas = await newest();
      for (; child.exitCode === null && child.signalCode === null; cas++) {
        await api.write(data, { data: { [key]: 'by hand' }, options: { cas } });
      }
      const line = /got 400 check-and-set parameter did not match the current version$/u;
      assertFailed(await finished, line, canaries);
      assert.equal(await newest(), cas);
      await assertUntouched();
    });

    it('is over with one run, that writes behind theirs', async () => {
      const version = await newest();
      const { code, stdout, stderr } = await stack.npmStart();
      assert.equal(code, 0, stdout + stderr);
      assert.equal(await newest(), version + 1);
      assert.deepEqual(await pinned(), [String(version + 1)]);
      assert.ok(
        (await stack.keystore()).get('kucoin.kucoin_passphrase') === canaries.get('refused'),
      );
    });
  });

  describe('when Vault is away', () => {
    it('refuses one that does not answer, then one that is sealed, and has nothing to do when it is back', async () => {
      const servers = new Servers(stack.folder);
      const server = servers.running('vault');
      assert.ok(server !== undefined);
      const [version, pod] = [await newest(), (await stack.pod()).metadata?.uid];
      const words = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
      await servers.stop('vault');
      refusal(
        await stack.up(),
        /vaultAddress: got no answer \(.*ECONNREFUSED.*\); allowed: a Vault that answers; fix: vault status -address=/u,
      );
      const nobody = await as('');
      // A Vault that was started anew is sealed.
      await servers.start({
        name: 'vault',
        command: words,
        healthy: async () => (await nobody.health()).sealed === true,
        seconds: 60,
      });
      refusal(
        await stack.up(),
        /vaultAddress: got a sealed Vault; allowed: an unsealed one; fix: vault operator unseal -address=/u,
      );
      // It refreshes before it runs the program: each resource says so.
      const { code, stdout, stderr } = await stack.npmStart();
      assert.equal(code, 1);
      assert.match(stdout + stderr, /got 503 Vault is sealed/u);
      assert.deepEqual(leaks(stdout + stderr, canaries), []);
      await nobody.write('sys/unseal', { key: vaultKeys(stack.folder).unsealKey });
      const again = await stack.npmStart();
      assert.equal(again.code, 0, again.stdout + again.stderr);
      assert.match(again.stdout, /Resources:\n {4}\d+ unchanged\n/u);
      assert.equal(await newest(), version);
      assert.equal((await stack.pod()).metadata?.uid, pod);
    });

    it('has shown no value in what was printed or logged', () => {
      assert.deepEqual(leaks(stack.checkout.printed.join('\n'), canaries), []);
      for (const [name, text] of stack.logs()) assert.deepEqual(leaks(text, canaries), [], name);
    });
  });
});
