/**
 * The log of Vault's audit device: names and paths stand in it as they are, values as HMACs
 * (https://developer.hashicorp.com/vault/docs/audit).
 */
import { type GroupName, groupNames } from '../../components/catalog.ts';
import type { VaultServer } from '../../components/systems.ts';
import { type Deed, isObject, type Line, nameIn, objectIn, other, unknown } from './event.ts';
import { loginPathOf } from './vault-login.ts';

type Mounts = Pick<VaultServer, 'mount' | 'auth'>;

export interface VaultPlace {
  readonly vault: Mounts;
  readonly prefix: string;
}

/** Below the mount of a KV version 2, what there is of a secret; the last two take its versions away for good. */
const kinds = ['data', 'undelete', 'delete', 'metadata', 'destroy'] as const;

interface Place {
  readonly kind: (typeof kinds)[number];
  readonly group: GroupName;
}

export function vaultLine(text: string, { vault, prefix }: VaultPlace): Line {
  const entry = objectIn(text);
  if (entry === undefined || !isObject(entry.request) || typeof entry.type !== 'string')
    return unknown;
  const { operation, path = '', remote_address: from } = entry.request;
  const at = String(path);
  const place = placeOf(at, `${prefix}/`, vault.mount);
  const bodies = holdsToken(entry) || (place?.kind === 'data' && holdsValue(entry));
  const plain: Line = bodies ? { kind: 'other', bodies } : other;
  // Each request stands there twice; its answer says whether it was refused.
  if (entry.type !== 'response') return plain;
  const deed = deedOf(String(operation), at, place, vault);
  if (deed === undefined) return plain;
  const auth = isObject(entry.auth) ? entry.auth : {};
  const policies = Array.isArray(auth.policies) ? auth.policies : [];
  const login = loginPathOf(auth, vault.auth);
  return {
    kind: 'event',
    ...(bodies && { bodies }),
    event: {
      system: 'Vault',
      at: Date.parse(String(entry.time)),
      who: `User:${nameIn(auth.display_name ?? 'nobody')}`,
      also: [
        ...policies.map((each) => `policy ${nameIn(each)}`),
        ...(login === undefined ? [] : [`User:${nameIn(login)}`]),
      ],
      deed,
      verb: nameIn(operation),
      what: place === undefined ? nameIn(at) : whatOf(place, prefix),
      group: place?.group,
      from: nameIn(from ?? ''),
      refused: typeof entry.error === 'string' && entry.error !== '',
    },
  };
}

/** Whether a text stands there as it is: what the device has hashed says so. */
function isClear(text: unknown): boolean {
  return typeof text === 'string' && text !== '' && !text.startsWith('hmac-');
}

/** With log_raw=true, of whomever: by a token somebody reads what its holder may. */
function holdsToken({ auth, request, response }: Readonly<Record<string, unknown>>): boolean {
  const given = isObject(response) ? response.auth : undefined;
  return [auth, request, given].some((each) => isObject(each) && isClear(each.client_token));
}

/** Also by an engine that is tuned to leave `data` in the clear. */
function holdsValue({ request, response }: Readonly<Record<string, unknown>>): boolean {
  return [request, response].some((each) => {
    const data = isObject(each) && isObject(each.data) ? each.data.data : undefined;
    return isObject(data) ? Object.values(data).some(isClear) : isClear(data);
  });
}

function whatOf({ kind, group }: Place, prefix: string): string {
  return kind === 'data' ? `${prefix}/${group}` : `${kind}/${prefix}/${group}`;
}

/** Of a secret of ours. */
function placeOf(path: string, prefix: string, mount: string): Place | undefined {
  for (const kind of kinds) {
    const store = `${mount}/${kind}/${prefix}`;
    const group = groupNames.find((each) => path === store + each);
    if (group !== undefined) return { kind, group };
  }
  return undefined;
}

function deedOf(
  operation: string,
  path: string,
  place: Place | undefined,
  { auth, mount }: Mounts,
): Deed | undefined {
  const isWrite = ['create', 'update', 'delete', 'patch'].includes(operation);
  // Of a read of its metadata nobody learns a value.
  if (place?.kind === 'data' && operation === 'read') return 'read';
  if (place !== undefined) return isWrite ? 'change' : undefined;
  // The engine itself: disabled, its secrets are gone.
  if (isWrite && (path === `sys/mounts/${mount}` || path === `sys/mounts/${mount}/tune`)) {
    return 'change';
  }
  const rights =
    /^sys\/(?:policies\/acl|policy|audit|auth)\//u.test(path) ||
    path.startsWith(`auth/${auth}/role/`);
  return isWrite && rights ? 'rights' : undefined;
}
