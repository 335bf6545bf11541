import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readPolicy } from '../../../components/access/vault.ts';
import { reportOf } from '../../../operations/access/report.ts';
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
        readonly path?: string;
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
          data: {
            display_name: token?.name,
            policies: token?.policies,
            path: token?.path ?? 'auth/token/create',
          },
        };
      const can = (each: string) =>
        each.startsWith('secret/') || token?.can.includes('root') ? token?.can : ['deny'];
      return { data: Object.fromEntries((paths as string[]).map((each) => [each, can(each)])) };
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
      a2: {
        name: 'kubernetes-x',
        can: ['read'],
        policies: [reader],
        path: 'auth/kubernetes/login',
      },
      a3: { name: 'forgotten', can: ['read'], policies: ['old'] },
    };
    const found = await differencesOf(answers, tokens);
    assert.deepEqual(
      found.map(({ who, secrets, fix }) => [who, ...secrets, fix.split(',')[0]]),
      names.map((name) => [
        'token forgotten of auth/token/create',
        name,
        'vault token revoke -accessor a3',
      ]),
    );
  });

  it('finds a token of the reading policy that no login of the operator made', async () => {
    const answers = answersOf({ 'auth/token/accessors?list=true': { keys: ['a1'] } });
    const token = { name: 'token', can: ['read'], policies: [reader] };
    const found = await differencesOf(answers, { a1: token });
    assert.deepEqual(
      [...new Set(found.map(({ who }) => who))],
      ['token token of auth/token/create'],
    );
    const login = { ...token, path: 'auth/kubernetes/login' };
    assert.deepEqual(await differencesOf(answers, { a1: login }), []);
    const elsewhere = { ...token, path: 'auth/other/login' };
    assert.equal((await differencesOf(answers, { a1: elsewhere })).length, names.length);
  });

  it('is the same report whatever tokens of the operator live', async () => {
    const live = answersOf({ 'auth/token/accessors?list=true': { keys: ['x1', 'x2'] } });
    const token = {
      name: 'kubernetes-x',
      can: ['read'],
      policies: [reader],
      path: 'auth/kubernetes/login',
    };
    const root = { name: 'root', can: ['root'], policies: ['root'] };
    const report = async (accessors: Readonly<Record<string, typeof token | typeof root>>) => {
      const keys = Object.keys(accessors);
      const answers = { ...live, 'auth/token/accessors?list=true': { keys } };
      const found = await lookAtVault(fake(answers, accessors).api, scope);
      return reportOf('prod', '', found, []);
    };
    const one = await report({ x1: token, r1: root });
    assert.deepEqual(await report({ y1: token, y2: token, r2: root }), one);
    assert.ok(one.readers.length > 0 && one.readers.every(({ fix }) => fix === ''));
  });

  it('skips a token that ends between the list and the question, and no other', async () => {
    const answers = answersOf({ 'auth/token/accessors?list=true': { keys: ['gone', 'a3'] } });
    const tokens = { a3: { name: 'forgotten', can: ['read'], policies: ['old'] } };
    const { api } = fake(answers, tokens);
    let live: readonly string[] = ['gone', 'a3'];
    const ending: VaultAsked = {
      read: async (path) =>
        path === 'auth/token/accessors?list=true' ? { keys: live } : await api.read(path),
      write: async (path, content) => {
        if (content.accessor !== 'gone') return await api.write(path, content);
        live = ['a3'];
        throw new VaultError(403, `Vault https://v: ${path}: got 403`);
      },
    };
    const { findings, unasked } = await lookAtVault(ending, scope);
    assert.deepEqual(unasked, []);
    assert.ok(findings.some(({ who }) => who === 'token forgotten of auth/token/create'));
    const failing: VaultAsked = {
      ...api,
      write: async (path) => {
        throw new VaultError(500, `Vault https://v: ${path}: got 500`);
      },
    };
    assert.equal((await lookAtVault(failing, scope)).unasked.length, 1);
  });

  for (const [title, text, way, path] of [
    [
      'policies at their older place',
      'path "sys/policy/*" { capabilities = ["update"] }',
      'change the policy',
      'sys/policy/*',
    ],
    [
      'the policy that it holds itself',
      'path "sys/policies/acl/strange" { capabilities = ["update"] }',
      'change its own policy',
      'sys/policies/acl/strange',
    ],
    [
      'roles of another method',
      'path "auth/approle/role/*" { capabilities = ["create", "update"] }',
      'make logins of any policy (auth/approle/role)',
      'auth/approle/role/*',
    ],
    [
      'one role of another method',
      'path "auth/approle/role/ci" { capabilities = ["update"] }',
      'make logins of any policy (auth/approle/role)',
      'auth/approle/role/ci',
    ],
    [
      'roles by a part of their name',
      'path "auth/kubernetes/role/team-*" { capabilities = ["create"] }',
      'make logins of any policy (auth/kubernetes/role)',
      'auth/kubernetes/role/team-*',
    ],
    [
      'users',
      'path "auth/userpass/users/+" { capabilities = ["update"] }',
      'make logins of any policy (auth/userpass/users)',
      'auth/userpass/users/+',
    ],
    [
      'roles of tokens, and to make such tokens',
      'path "auth/token/roles/*" { capabilities = ["update"] }\npath "auth/token/create/*" { capabilities = ["update"] }',
      'make tokens of any policy by a role',
      'auth/token/roles/*',
    ],
    [
      'tokens without a parent',
      'path "auth/token/create-orphan" { capabilities = ["update", "sudo"] }',
      'make tokens of any policy',
      'auth/token/create-orphan',
    ],
    [
      'its own entity',
      'path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["update"] }',
      'give any policy to an entity',
      'identity/entity/id/{{identity.entity.id}}',
    ],
    [
      'groups',
      'path "identity/group" { capabilities = ["update"] }',
      'give any policy to an identity group',
      'identity/group',
    ],
    [
      "what the operator's method believes",
      'path "auth/kubernetes/config" { capabilities = ["update"] }',
      'say which cluster is believed',
      'auth/kubernetes/config',
    ],
  ] as const) {
    it(`finds who may write ${title}`, async () => {
      const holder = 'auth/userpass/users/eve';
      const answers = answersOf(
        {
          'sys/auth': {
            'token/': { type: 'token' },
            'kubernetes/': { type: 'kubernetes' },
            'approle/': { type: 'approle' },
            'userpass/': { type: 'userpass' },
          },
          'auth/userpass/users?list=true': { keys: ['eve'] },
          [holder]: { token_policies: ['strange'] },
        },
        { strange: text },
      );
      const found = await differencesOf(answers);
      assert.ok(
        found.some(
          (each) =>
            each.who === holder &&
            each.way === way &&
            each.cause === `policy strange, path ${path}`,
        ),
        found.map((each) => `${each.way}: ${each.cause}`).join('; '),
      );
      assert.deepEqual([...new Set(found.map(({ who }) => who))], [holder]);
    });
  }

  it('takes for no difference what gives nothing', async () => {
    const harmless = [
      'path "auth/token/roles/*" { capabilities = ["update"] }',
      'path "auth/approle/role/ci" { capabilities = ["read", "list"] }',
      'path "auth/approle/role/+/secret-id" { capabilities = ["update"] }',
      'path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["read"] }',
      'path "auth/userpass/users/eve/password" { capabilities = ["update"] }',
    ].join('\n');
    const answers = answersOf(
      {
        'auth/approle/role?list=true': { keys: ['deployer', 'ci'] },
        'auth/approle/role/ci': { token_policies: ['harmless'] },
      },
      { harmless },
    );
    assert.deepEqual(await differencesOf(answers), []);
  });

  it('finds who takes a policy by a pattern of its name, and what every token may', async () => {
    const read = 'path "secret/*" { capabilities = ["read"] }';
    const glob = {
      'auth/token/roles?list=true': { keys: ['ci'] },
      'auth/token/roles/ci': { allowed_policies_glob: ['hummingbot-*'] },
    };
    const byPattern = await differencesOf(answersOf(glob));
    assert.deepEqual(
      byPattern.map(({ who, cause }) => [who, cause]),
      names.map((name) => ['auth/token/roles/ci', `policy ${reader}, path secret/data/${name}`]),
    );
    const all = { 'auth/token/roles/ci': { allowed_policies_glob: ['*'] } };
    const ofRoot = (await differencesOf(answersOf({ ...glob, ...all }))).filter(({ cause }) =>
      cause.startsWith('policy root'),
    );
    assert.deepEqual(ofRoot, []);
    const wide = await differencesOf(answersOf({}, { default: read }));
    assert.deepEqual([...new Set(wide.map(({ who }) => who))], ['every token with policy default']);
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
