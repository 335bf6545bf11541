import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readPolicy } from '../../../components/access/vault.ts';
import { lookAtVault, type VaultAsked } from '../../../operations/access/vault.ts';
import {
  capabilitiesOn,
  matchesPath,
  parseVaultPolicy,
} from '../../../operations/access/vault-policy.ts';
import type { Properties } from '../../../plugins/resource-handler.ts';
import { VaultError } from '../../../plugins/vault-api.ts';

const reader = 'hummingbot-prod-secrets-reader';
const names = ['hummingbot/trading', 'hummingbot/monitoring'];
const vault = {
  address: 'https://v',
  id: 'i',
  mount: 'secret',
  auth: 'kubernetes',
  readerRole: reader,
};
const scope = {
  vault,
  names,
  stack: 'prod',
  administrators: ['root', 'auth/approle/role/deployer'],
};

/** As a Vault with the program's policy and one deployer has it. */
function answersOf(
  more: Readonly<Record<string, Properties>> = {},
  policies: Readonly<Record<string, string>> = {},
) {
  const texts = {
    [reader]: readPolicy('secret', names),
    deployer: readFileSync('docs/targets/vault-deployer.hcl', 'utf8'),
    default: 'path "auth/token/lookup-self" { capabilities = ["read"] }',
    ...policies,
  };
  const answers: Record<string, Properties> = {
    'sys/policies/acl?list=true': { keys: [...Object.keys(texts), 'root'] },
    'sys/auth': {
      'token/': { type: 'token' },
      'kubernetes/': { type: 'kubernetes' },
      'approle/': { type: 'approle' },
    },
    'auth/kubernetes/role?list=true': { keys: [reader] },
    [`auth/kubernetes/role/${reader}`]: {
      token_policies: [reader],
      bound_service_account_names: ['hummingbot-secrets-reader'],
      bound_service_account_namespaces: ['hummingbot'],
    },
    'auth/approle/role?list=true': { keys: ['deployer'] },
    'auth/approle/role/deployer': { token_policies: ['deployer'] },
    'auth/token/accessors?list=true': { keys: [] },
  };
  for (const [name, policy] of Object.entries(texts))
    answers[`sys/policies/acl/${name}`] = { policy };
  return { ...answers, ...more };
}

function fake(
  answers: Readonly<Record<string, Properties>>,
  tokens: Readonly<
    Record<
      string,
      {
        readonly name: string;
        readonly can: readonly string[];
        readonly policies: readonly string[];
      }
    >
  > = {},
) {
  const asked: string[] = [];
  const api: VaultAsked = {
    read: async (path) => {
      asked.push(path);
      return answers[path];
    },
    write: async (path, { accessor, paths }) => {
      asked.push(path);
      const token = tokens[String(accessor)];
      if (path === 'auth/token/lookup-accessor')
        return {
          data: { display_name: token?.name, policies: token?.policies, path: 'auth/token/create' },
        };
      return { data: Object.fromEntries((paths as string[]).map((each) => [each, token?.can])) };
    },
  };
  return { api, asked };
}

const differencesOf = async (answers: Readonly<Record<string, Properties>>, tokens = {}) => {
  const { findings, unasked } = await lookAtVault(fake(answers, tokens).api, scope);
  assert.deepEqual(unasked, []);
  return findings.filter(({ expected }) => expected === undefined);
};

describe('who may read in Vault', () => {
  it("is, in a clean one, the operator's role and whom the settings name", async () => {
    assert.deepEqual(await differencesOf(answersOf()), []);
    const { findings } = await lookAtVault(fake(answersOf()).api, scope);
    const reads = findings.filter(({ way }) => way === 'read');
    assert.deepEqual(
      new Set(reads.map(({ who, expected }) => `${who}: ${expected}`)),
      new Set([
        `auth/kubernetes/role/${reader}: brings the Secrets`,
        'auth/approle/role/deployer: administrators',
      ]),
    );
  });

  it('names policy and path of somebody who holds too much, by role, group and entity', async () => {
    const wide = { wide: 'path "secret/*" { capabilities = ["read", "list"] }' };
    for (const [list, holder, data] of [
      ['auth/kubernetes/role?list=true', 'auth/kubernetes/role/ci', { token_policies: ['wide'] }],
      ['identity/group/name?list=true', 'identity/group/name/ci', { policies: ['wide'] }],
      ['identity/entity/name?list=true', 'identity/entity/name/ci', { policies: ['wide'] }],
      ['auth/token/roles?list=true', 'auth/token/roles/ci', { allowed_policies: ['wide'] }],
    ] as const) {
      const keys = list.startsWith('auth/kubernetes') ? [reader, 'ci'] : ['ci'];
      const found = await differencesOf(answersOf({ [list]: { keys }, [holder]: data }, wide));
      assert.deepEqual(
        found.map(({ who, secrets, cause }) => [who, ...secrets, cause]),
        names.map((name) => [holder, name, 'policy wide, path secret/*']),
      );
    }
  });

  it('finds who may change the policy, or who takes its role, and a role bound too widely', async () => {
    const admin = {
      admin:
        'path "sys/policies/acl/*" { capabilities = ["create", "update"] }\npath "auth/kubernetes/*" { capabilities = ["update"] }',
    };
    const found = await differencesOf(
      answersOf(
        {
          'auth/kubernetes/role?list=true': { keys: [reader, 'ops'] },
          'auth/kubernetes/role/ops': { token_policies: ['admin'] },
          [`auth/kubernetes/role/${reader}`]: {
            token_policies: [reader],
            bound_service_account_names: ['*'],
            bound_service_account_namespaces: ['hummingbot'],
          },
        },
        admin,
      ),
    );
    const ways = found.map(({ who, way }) => `${who} ${way}`);
    for (const each of [
      'auth/kubernetes/role/ops change the policy',
      'auth/kubernetes/role/ops change who takes the role',
      'auth/kubernetes/role/ops make policies',
      'ServiceAccounts * of hummingbot read',
    ]) {
      assert.ok(ways.includes(each), ways.join('; '));
    }
  });

  it('asks the server what live tokens can', async () => {
    const answers = answersOf({ 'auth/token/accessors?list=true': { keys: ['a1', 'a2', 'a3'] } });
    const tokens = {
      a1: { name: 'root', can: ['root'], policies: ['root'] },
      a2: { name: 'kubernetes-x', can: ['read'], policies: [reader] },
      a3: { name: 'forgotten', can: ['read'], policies: ['old'] },
    };
    const found = await differencesOf(answers, tokens);
    assert.deepEqual(
      found.map(({ who, secrets, fix }) => [who, secrets.length, fix.split(',')[0]]),
      [['token forgotten of auth/token/create', 2, 'vault token revoke -accessor a3']],
    );
  });

  it('says what it was not allowed to ask, a line each, and goes on', async () => {
    const { api } = fake(answersOf());
    const refusing: VaultAsked = {
      ...api,
      read: async (path) => {
        if (path.startsWith('sys/policies'))
          throw new VaultError(403, 'Vault https://v: sys/policies/acl: got 403 permission denied');
        return await api.read(path);
      },
    };
    const { unasked } = await lookAtVault(refusing, scope);
    assert.deepEqual(
      unasked.map(({ fix }) => fix),
      ['a token with the capability list on sys/policies/acl'],
    );
  });

  it('never asks for a value', async () => {
    const { api, asked } = fake(answersOf());
    await lookAtVault(api, scope);
    assert.ok(asked.length > 10);
    assert.deepEqual(
      asked.filter((path) => path.startsWith('secret/')),
      [],
    );
  });

  it('reads policies in each form, and matches paths as Vault does', () => {
    const text =
      '# path "no" {}\npath "a/+/c" { capabilities = ["read"] }\npath "a/*" {\n capabilities = ["list"] // x\n}\npath "a/b/c" { capabilities = ["deny"] }\npath "old" { policy = "write" }';
    const rules = parseVaultPolicy(text);
    assert.ok(rules);
    assert.deepEqual(
      rules.map(({ path }) => path),
      ['a/+/c', 'a/*', 'a/b/c', 'old'],
    );
    assert.deepEqual(capabilitiesOn(rules, 'a/b/c'), { pattern: 'a/b/c', capabilities: [] });
    assert.deepEqual(capabilitiesOn(rules, 'a/x/c')?.capabilities, ['read']);
    assert.deepEqual(capabilitiesOn(rules, 'a/x/d/e')?.capabilities, ['list']);
    assert.ok(capabilitiesOn(rules, 'old')?.capabilities.includes('read'));
    assert.equal(capabilitiesOn(rules, 'b'), undefined);
    const json = parseVaultPolicy('{"path": {"a": {"capabilities": ["read"]}}}');
    assert.deepEqual(json, [{ path: 'a', capabilities: ['read'] }]);
    assert.equal(parseVaultPolicy('path "a" capabilities'), undefined);
    assert.ok(
      matchesPath('a/+', 'a/b') &&
        !matchesPath('a/+', 'a/b/c') &&
        matchesPath('a/+/x*', 'a/b/xyz/1'),
    );
  });
});
