/** What guards the values in Vault. */
import type { Rule } from '../rule.ts';
import { at, differs, listAt, numberOf, unknown } from '../sight/fields.ts';

const types = {
  policy: 'vault:index/policy:Policy',
  role: 'vault:kubernetes/authBackendRole:AuthBackendRole',
  secret: 'vault:kv/secretV2:SecretV2',
} as const;

const path = /path\s+"(?<path>[^"]*)"\s*\{(?<body>[^}]*)\}/gu;

export const narrowVaultPolicy: Rule = {
  name: 'narrow-vault-policy',
  what: 'A policy of Vault reads named paths, and nothing else',
  why: 'a wildcard reads the secrets of every stack that shares the mount',
  practice: 'privilege',
  severity: 'critical',
  allowed: 'capability read on whole paths; a token’s own look-up and end',
  fix: 'take the policy from access/vault.ts',
  *judge({ type, props }) {
    if (type !== types.policy || props.policy === unknown) return;
    const rules = [...String(props.policy).matchAll(path)];
    if (rules.length === 0) yield { at: 'policy', got: 'no path that can be read' };
    for (const [index, { groups }] of rules.entries()) {
      const where = `policy, path ${index + 1}`;
      const { path: name = '', body = '' } = groups ?? {};
      if (/[*+]/u.test(name)) yield { at: where, got: 'a wildcard' };
      const given = [...body.matchAll(/"(\w+)"/gu)].map(([, each]) => each);
      const own = name.startsWith('auth/token/') && name.endsWith('-self');
      if (given.some((each) => each !== 'read' && !(own && each === 'update')))
        yield { at: where, got: 'more than read' };
    }
  },
};

const longestToken = 3600;

export const boundVaultRole: Rule = {
  name: 'bound-vault-role',
  what: 'A role of Vault is for one service account, for its audience, and for a short time',
  why: 'any pod of the cluster could log in, with a token that was made for something else',
  practice: 'privilege',
  severity: 'critical',
  allowed: `named accounts and namespaces, an audience, at most ${longestToken} seconds, no default policy`,
  fix: 'take the role from access/vault.ts',
  *judge({ type, props }) {
    if (type !== types.role) return;
    for (const field of ['boundServiceAccountNames', 'boundServiceAccountNamespaces']) {
      const names = listAt(props, field);
      const known = props[field] !== unknown;
      if (known && (names.length === 0 || names.some((each) => String(each).includes('*'))))
        yield { at: field, got: 'a wildcard, or nobody' };
    }
    if (props.audience === undefined) yield { at: 'audience', got: 'nothing' };
    if (differs(props.tokenNoDefaultPolicy, true))
      yield { at: 'tokenNoDefaultPolicy', got: 'not true' };
    for (const field of ['tokenTtl', 'tokenMaxTtl']) {
      const seconds = numberOf(props[field]) ?? 0;
      if (props[field] !== unknown && (seconds <= 0 || seconds > longestToken))
        yield { at: field, got: seconds === 0 ? 'no end' : `${seconds} seconds` };
    }
  },
};

export const checkedWrites: Rule = {
  name: 'checked-writes',
  what: 'A secret in Vault is written only behind the version that the writer knows, and is kept',
  why: 'two writers would undo each other, and a bot would read the other’s values',
  practice: 'rotation',
  severity: 'medium',
  allowed: 'options.cas, casRequired, and in a protected stack deleteAllVersions false',
  fix: 'make the secret with VaultKv',
  *judge({ type, props }, context) {
    if (type !== types.secret) return;
    if (at(props, 'options', 'cas') === undefined) yield { at: 'options', got: 'no cas' };
    if (differs(at(props, 'customMetadata', 'casRequired'), true))
      yield { at: 'customMetadata', got: 'casRequired not true' };
    if (context.protected && differs(props.deleteAllVersions, false))
      yield { at: 'deleteAllVersions', got: 'not false in a protected stack' };
  },
};
