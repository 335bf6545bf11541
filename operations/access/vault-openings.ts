/** Paths of Vault that open the secrets, and what it takes on them: to read, or to give oneself the right. */
import type { VaultServer } from '../../components/systems.ts';
import type { PathRule } from './vault-policy.ts';

export interface Opening {
  readonly path: string;
  /** Each does. */
  readonly needed: readonly string[];
  readonly way: string;
  /** Below the mount; empty: all. */
  readonly secret: string;
  /** Path that has to be written too. */
  readonly also?: string;
}

/** A place below which whatever is written may name the policy that reads. */
export interface Register {
  /** `auth/approle/role/` */
  readonly place: string;
  readonly way: string;
  /** Below which the name has to be written too. */
  readonly also?: string;
}

/** No name that anybody uses. */
const other = 'any-other';
// Of some paths Vault asks whether there is something, and takes a first write for `create`.
const write = ['create', 'update'] as const;

/** @param logins places of roles and users, `auth/approle/role` */
export function registersOf(logins: readonly string[]): readonly Register[] {
  return [
    ...logins.map((login) => ({ place: `${login}/`, way: `make logins of any policy (${login})` })),
    {
      place: 'auth/token/roles/',
      way: 'make tokens of any policy by a role',
      also: 'auth/token/create/',
    },
    ...['entity', 'group'].flatMap((kind) =>
      ['id', 'name'].map((by) => ({
        place: `identity/${kind}/${by}/`,
        way: `give any policy to an ${kind === 'entity' ? kind : 'identity group'}`,
      })),
    ),
  ];
}

export function openingsOf(
  { mount, auth, readerRole }: VaultServer,
  names: readonly string[],
  registers: readonly Register[],
): readonly Opening[] {
  const all = (path: string, needed: readonly string[], way: string): Opening => ({
    path,
    needed,
    way,
    secret: '',
  });
  return [
    ...names.map((secret) => ({
      path: `${mount}/data/${secret}`,
      needed: ['read'],
      way: 'read',
      secret,
    })),
    // Both places are the same; the older one is still served.
    ...['sys/policies/acl', 'sys/policy'].flatMap((place) => [
      all(`${place}/${readerRole}`, ['update'], 'change the policy'),
      all(`${place}/${other}`, ['update'], 'make policies'),
    ]),
    all(`auth/${auth}/role/${readerRole}`, ['update'], 'change who takes the role'),
    all(`auth/${auth}/config`, write, 'say which cluster is believed'),
    all('auth/token/create', ['sudo'], 'make tokens of any policy'),
    all('auth/token/create-orphan', ['sudo'], 'make tokens of any policy'),
    all('identity/entity', write, 'give any policy to an entity'),
    all('identity/group', write, 'give any policy to an identity group'),
    all('sys/raw/logical', ['read'], 'read the storage'),
    ...registers.map((each) => openingBelow(each, other)),
  ];
}

/** What a policy's own paths open beside: one name of a register, and the policy itself. */
export function openingsBy(
  rules: readonly PathRule[],
  policy: string,
  { auth, readerRole }: VaultServer,
  registers: readonly Register[],
): readonly Opening[] {
  const known = [`auth/${auth}/role/${readerRole}`, ...registers.map(({ place }) => place + other)];
  const paths = new Set(
    rules.map(({ path }) =>
      path
        .replace(/\*$/u, other)
        .split('/')
        .map((part) => (part === '+' ? other : part))
        .join('/'),
    ),
  );
  const below = [...paths]
    .filter((path) => !known.includes(path))
    .flatMap((path) =>
      registers
        .filter(({ place }) => path.startsWith(place) && /^[^/]+$/u.test(path.slice(place.length)))
        .map((each) => openingBelow(each, path.slice(each.place.length))),
    );
  const itself = ['sys/policies/acl', 'sys/policy'].map((place) => ({
    path: `${place}/${policy}`,
    needed: ['update'],
    way: 'change its own policy',
    secret: '',
  }));
  return [...below, ...itself];
}

function openingBelow({ place, way, also }: Register, name: string): Opening {
  return {
    path: `${place}${name}`,
    needed: write,
    way,
    secret: '',
    ...(also !== undefined && { also: `${also}${name}` }),
  };
}
