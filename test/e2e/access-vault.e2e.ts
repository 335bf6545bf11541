/** The access review and the audit on a real Vault: no cluster, no engine. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPolicy } from '../../components/access/vault.ts';
import { lookAtVault, type VaultAsked } from '../../operations/access/vault.ts';
import { openingsOf, registersOf } from '../../operations/access/vault-openings.ts';
import { capabilitiesOn, parseVaultPolicy } from '../../operations/access/vault-policy.ts';
import { judgeOf } from '../../operations/audit/judge.ts';
import { readLines } from '../../operations/audit/reading.ts';
import { Tally } from '../../operations/audit/tally.ts';
import { vaultLine } from '../../operations/audit/vault-log.ts';
import { goTool } from '../../operations/engine/go.ts';
import type { Properties } from '../../plugins/resource-handler.ts';
import { VaultApi } from '../../plugins/vault-api.ts';
import { Servers } from '../../rehearsal/servers/process.ts';
import { openVault } from '../../rehearsal/servers/vault.ts';
import { vault } from '../../rehearsal/tools/tools.ts';
import { leaks, makeCanary } from '../canary.ts';

const readerRole = 'hummingbot-prod-secrets-reader';
const name = 'hummingbot/trading';
const path = `secret/data/${name}`;

/** Policies whose meaning is easily got wrong. */
const policies: Readonly<Record<string, string>> = {
  wide: 'path "secret/*" { capabilities = ["read"] }',
  segment: 'path "secret/+/hummingbot/trading" { capabilities = ["read"] }',
  denied:
    'path "secret/*" { capabilities = ["read"] }\npath "secret/data/hummingbot/+" { capabilities = ["deny"] }',
  exact:
    'path "secret/data/hummingbot/*" { capabilities = ["deny"] }\npath "secret/data/hummingbot/trading" { capabilities = ["read"] }',
  later:
    'path "secret/data/hummingbot/tr*" { capabilities = ["list"] }\npath "secret/+/hummingbot/trading" { capabilities = ["read"] }',
  longer:
    'path "secret/data/*" { capabilities = ["read"] }\npath "secret/data/hummingbot/*" { capabilities = ["list"] }',
  narrow: 'path "secret/data/hummingbot/trading/x" { capabilities = ["read"] }',
  commented:
    '# path "secret/*" {}\npath "secret/metadata/*" { capabilities = ["read"] } // path "secret/data/*"',
  json: '{"path": {"secret/data/hummingbot/trading": {"capabilities": ["read", "update"]}}}',
  old: 'path "secret/data/hummingbot/*" { policy = "write" }',
};

describe('access to a real Vault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vault-'));
  const log = join(folder, 'audit.log');
  const canary = makeCanary('vault');
  let address = '';
  let root: VaultApi;
  const tokens = new Map<string, string>();

  before(async () => {
    const servers = new Servers(folder);
    const opened = await openVault({ folder, servers, binary: await goTool(vault) });
    address = opened.address;
    root = await VaultApi.connect(address, { HOME: folder, VAULT_TOKEN: opened.keys.rootToken });
    await root.write('sys/audit/file', { type: 'file', options: { file_path: log } });
    await root.write('sys/auth/kubernetes', { type: 'kubernetes' });
    const all = { ...policies, [readerRole]: readPolicy('secret', [name]) };
    for (const [each, policy] of Object.entries(all)) {
      await root.write(`sys/policies/acl/${each}`, { policy });
      const made = await root.write('auth/token/create', {
        policies: [each],
        no_default_policy: true,
        display_name: each,
      });
      const { client_token: token = '' } = (made?.auth ?? {}) as { client_token?: string };
      tokens.set(each, token);
    }
    await root.write(path, { data: { kraken_api_key: canary } });
  });
  after(async () => {
    await new Servers(folder).stopAll();
    rmSync(folder, { recursive: true });
  });

  async function capabilities(token: string): Promise<readonly string[]> {
    const answer = await root.write('sys/capabilities', { token, paths: [path] });
    const { [path]: can = [] } = (answer?.data ?? {}) as Record<string, readonly string[]>;
    return can.filter((each) => each !== 'deny').toSorted();
  }

  it('is judged as Vault itself judges it, policy by policy', async () => {
    for (const [each, text] of Object.entries(policies)) {
      const rules = parseVaultPolicy(text);
      const ours = rules && (capabilitiesOn(rules, path)?.capabilities ?? []).toSorted();
      assert.deepEqual(ours, await capabilities(tokens.get(each) ?? ''), each);
    }
  });

  it('names who holds a policy, and each live token that can read', async () => {
    const bound = {
      bound_service_account_names: ['x'],
      bound_service_account_namespaces: ['y'],
      audience: 'vault',
    };
    await root.write(`auth/kubernetes/role/${readerRole}`, {
      ...bound,
      token_policies: [readerRole],
    });
    await root.write('auth/kubernetes/role/ci', { ...bound, token_policies: ['wide'] });
    const place = { address, id: '', mount: 'secret', auth: 'kubernetes', readerRole };
    const scope = { vault: place, names: [name], stack: 'prod', administrators: ['root'] };
    const { findings, unasked } = await lookAtVault(root, scope);
    assert.deepEqual(unasked, []);
    const differences = findings.filter(({ expected }) => expected === undefined);
    // Its policy is the operator's, and no login of the operator's made it.
    const reading = ['wide', 'segment', 'exact', 'later', 'json', 'old', readerRole];
    const can = await Promise.all(
      reading.map(async (each) => (await capabilities(tokens.get(each) ?? '')).includes('read')),
    );
    const readers = reading.filter((_, at) => can[at]);
    assert.ok(readers.length >= 4);
    assert.deepEqual(
      differences.map(({ who }) => who).toSorted(),
      [
        'auth/kubernetes/role/ci',
        ...readers.map((each) => `token token-${each} of auth/token/create`),
      ].toSorted(),
    );
    const operator = findings.find(({ who }) => who === `auth/kubernetes/role/${readerRole}`);
    assert.equal(operator?.expected, 'brings the Secrets');
  });

  it('says which capability whoever asks lacks', async () => {
    const token = tokens.get('wide') ?? '';
    const weak = await VaultApi.connect(address, { HOME: folder, VAULT_TOKEN: token });
    const place = { address, id: '', mount: 'secret', auth: 'kubernetes', readerRole };
    const scope = { vault: place, names: [name], stack: 'prod', administrators: [] };
    const { unasked } = await lookAtVault(weak, scope);
    const fixes = unasked.map(({ fix }) => fix);
    assert.ok(fixes.includes('a token with the capability list on sys/policies/acl'), fixes.join());
    assert.ok(unasked.every(({ got }) => /got 403 permission denied/u.test(got)));
  });

  it('has its reads in the audit, expected or not, and no value', async () => {
    for (const each of [readerRole, 'wide', 'narrow']) {
      const own = { HOME: folder, VAULT_TOKEN: tokens.get(each) ?? '' };
      await (await VaultApi.connect(address, own)).read(path).catch(() => undefined);
    }
    const tally = new Tally(
      judgeOf(
        {
          namespace: 'hummingbot',
          readers: {},
          administrators: { subjects: [{ kind: 'User', name: 'root' }], principals: [] },
          aws: undefined,
          vault: { readerRole, auth: 'kubernetes' },
        },
        [],
      ),
    );
    const place = { vault: { mount: 'secret', auth: 'kubernetes' }, prefix: 'hummingbot' };
    const source = await readLines(log, 'Vault', (text) => vaultLine(text, place), 0, tally);
    assert.equal(source.strange, 0);
    const reads = tally.rows.filter(({ deed }) => deed === 'read');
    assert.deepEqual(
      new Set(reads.map(({ who, outcome, expected }) => `${who} ${outcome} ${expected}`)),
      new Set([
        // Made by hand: only the operator's own login brings the Secrets.
        `User:token-${readerRole} done null`,
        'User:token-wide done null',
        'User:token-narrow refused null',
      ]),
    );
    const rights = tally.rows.filter(({ deed }) => deed === 'rights');
    assert.ok(rights.length > 5 && rights.every(({ expected }) => expected === 'administrators'));
    const values = new Map([['vault', canary]]);
    assert.deepEqual(leaks(JSON.stringify(tally.rows), values), []);
    assert.deepEqual(leaks(readFileSync(log), values), []);
  });

  it('takes the same capability for each path that gives a policy as the review says', async () => {
    const place = { address, id: '', mount: 'secret', auth: 'kubernetes', readerRole };
    const registers = registersOf(['auth/kubernetes/role']);
    const bodies: readonly (readonly [RegExp, Properties])[] = [
      [/^sys\/polic/u, { policy: policies.narrow }],
      [
        /^auth\/kubernetes\/role/u,
        {
          bound_service_account_names: ['x'],
          bound_service_account_namespaces: ['y'],
          token_policies: [readerRole],
          audience: 'vault',
        },
      ],
      [
        /^auth\/kubernetes\/config$/u,
        { kubernetes_host: 'https://127.0.0.1:1', disable_local_ca_jwt: true },
      ],
      [/^auth\/token\/roles/u, { allowed_policies: [readerRole] }],
      [/^identity\/(?:entity|group)$/u, { policies: [readerRole], name: 'probe' }],
      [/^identity\/.*\/name\//u, { policies: [readerRole] }],
    ];
    const openings = openingsOf(place, [name], registers);
    let tried = 0;
    for (const { path, needed } of openings) {
      const body = bodies.find(([pattern]) => pattern.test(path))?.[1];
      if (body === undefined) continue;
      const enough: string[] = [];
      for (const capability of ['create', 'update']) {
        const policy = `path "${path}" { capabilities = ["${capability}"] }`;
        await root.write('sys/policies/acl/probe', { policy });
        const made = await root.write('auth/token/create', {
          policies: ['probe'],
          no_default_policy: true,
        });
        const { client_token: token } = (made?.auth ?? {}) as { client_token?: string };
        const own = await VaultApi.connect(address, { HOME: folder, VAULT_TOKEN: token });
        // What was made by the one capability is there for the other.
        const done = await own.write(path, body).then(
          () => true,
          () => false,
        );
        if (done) enough.push(capability);
        await root.write('auth/token/revoke', { token: token ?? '' });
      }
      assert.ok(enough.length > 0, `${path}: neither does`);
      assert.ok(
        enough.every((each) => needed.includes(each)),
        `${path}: ${enough.join()} of ${needed.join()}`,
      );
      tried++;
    }
    assert.ok(tried >= 10, String(tried));
    await root.write(`sys/policies/acl/${readerRole}`, { policy: readPolicy('secret', [name]) });
  });

  it('takes a token that ends meanwhile for no question without an answer', async () => {
    const made = await root.write('auth/token/create', { policies: ['wide'] });
    const { accessor, client_token: token } = (made?.auth ?? {}) as Readonly<
      Record<string, string>
    >;
    const ending: VaultAsked = {
      read: async (path) => await root.read(path),
      write: async (path, content) => {
        if (content.accessor === accessor && path === 'auth/token/lookup-accessor') {
          await root.write('auth/token/revoke', { token: token ?? '' });
        }
        return await root.write(path, content);
      },
    };
    const place = { address, id: '', mount: 'secret', auth: 'kubernetes', readerRole };
    const scope = { vault: place, names: [name], stack: 'prod', administrators: ['root'] };
    const { findings, unasked } = await lookAtVault(ending, scope);
    assert.deepEqual(unasked, []);
    assert.ok(findings.every(({ fix }) => !fix.includes(accessor ?? '')));
  });
});
