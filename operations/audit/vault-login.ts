/**
 * How the holder of a token of Vault has signed in. Whoever makes a token by hand chooses its policies
 * and metadata, and of its display name what stands behind `token-`: a login's begins with its mount.
 */
import { isObject } from './event.ts';

/** What the operator signs in as. */
export interface OperatorLogin {
  /** Mount of the auth method kubernetes. */
  readonly auth: string;
  readonly namespace: string;
  readonly account: string;
}

/** As Vault writes a mount into a display name. */
function dashed(mount: string): string {
  return mount.replaceAll('/', '-');
}

export function displayNameOf({ auth, namespace, account }: OperatorLogin): string {
  return `${dashed(auth)}-${namespace}-${account}`;
}

/**
 * @param auth of an audit entry
 * @param mount of the auth method kubernetes, if that is known to have slashes
 * @returns `auth/approle/role/deployer`; undefined where the entry does not say
 */
export function loginPathOf(
  auth: Readonly<Record<string, unknown>>,
  mount: string,
): string | undefined {
  const name = String(auth.display_name ?? '');
  if (!isObject(auth.metadata) || /^token(?:-|$)/u.test(name)) return undefined;
  const {
    role,
    role_name: appRole,
    username,
    service_account_namespace: namespace,
    service_account_name: account,
  } = auth.metadata;
  // An AppRole has no name of its own: the mount is all of it.
  if (typeof appRole === 'string') return `auth/${name}/role/${appRole}`;
  const end = typeof username === 'string' ? `-${username}` : `-${namespace}-${account}`;
  if (!name.endsWith(end)) return undefined;
  const before = name.slice(0, -end.length);
  if (typeof username === 'string') return `auth/${before}/users/${username}`;
  return `auth/${before === dashed(mount) ? mount : before}/role/${role}`;
}
