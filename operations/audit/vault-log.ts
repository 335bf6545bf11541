/**
 * The log of Vault's audit device: names and paths stand in it as they are, values as HMACs
 * (https://developer.hashicorp.com/vault/docs/audit).
 */
import { groupNames } from '../../components/catalog.ts';
import type { VaultServer } from '../../components/systems.ts';
import { type Deed, isObject, type Line, nameIn, objectIn, other, unknown } from './event.ts';

type Mounts = Pick<VaultServer, 'mount' | 'auth'>;

export interface VaultPlace {
  readonly vault: Mounts;
  readonly prefix: string;
}

export function vaultLine(text: string, { vault, prefix }: VaultPlace): Line {
  const entry = objectIn(text);
  if (entry === undefined || !isObject(entry.request) || typeof entry.type !== 'string')
    return unknown;
  // Each request stands there twice; its answer says whether it was refused.
  if (entry.type !== 'response') return other;
  const { operation, path = '', remote_address: from } = entry.request;
  const store = `${vault.mount}/data/${prefix}/`;
  const at = String(path);
  const name = at.startsWith(store) ? at.slice(store.length) : undefined;
  const group = groupNames.find((each) => each === name);
  const deed = deedOf(String(operation), at, group !== undefined, vault);
  if (deed === undefined) return other;
  const auth = isObject(entry.auth) ? entry.auth : {};
  const policies = Array.isArray(auth.policies) ? auth.policies : [];
  return {
    kind: 'event',
    event: {
      system: 'Vault',
      at: Date.parse(String(entry.time)),
      who: `User:${nameIn(auth.display_name ?? 'nobody')}`,
      also: policies.map((each) => `policy ${nameIn(each)}`),
      deed,
      verb: nameIn(operation),
      what: group === undefined ? nameIn(at) : `${prefix}/${group}`,
      group,
      from: nameIn(from ?? ''),
      refused: typeof entry.error === 'string' && entry.error !== '',
    },
  };
}

function deedOf(
  operation: string,
  path: string,
  isOurs: boolean,
  { auth }: Mounts,
): Deed | undefined {
  if (isOurs) return operation === 'read' ? 'read' : 'change';
  const isWrite = ['create', 'update', 'delete', 'patch'].includes(operation);
  const rights =
    /^sys\/(?:policies\/acl|policy|audit)\//u.test(path) || path.startsWith(`auth/${auth}/role/`);
  return isWrite && rights ? 'rights' : undefined;
}
