/** Somebody in a cluster, as settings name them. */
import type { Reader } from '../components/systems.ts';

/** `User:NAME`, `Group:NAME`, `ServiceAccount:NAMESPACE/NAME`. */
const subject =
  /^(?:(User|Group):([^\s]{1,200})|(ServiceAccount):([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253}))$/u;
/** Everybody is nobody's reader: a grant to all is a leak, whatever it was meant for. */
const everybody = /^system:(?:authenticated|unauthenticated|serviceaccounts(?::.*)?)$/u;

export const allowedSubjects =
  'User:NAME, Group:NAME (not all of system:authenticated), ServiceAccount:NAMESPACE/NAME';

/** @returns undefined for what names nobody, or everybody */
export function subjectOf(item: unknown): Reader | undefined {
  const match = typeof item === 'string' ? subject.exec(item) : null;
  if (match === null || everybody.test(match[2] ?? '')) return undefined;
  const [, kind, name, , namespace, account] = match;
  return kind === 'User' || kind === 'Group'
    ? { kind, name: name ?? '' }
    : { kind: 'ServiceAccount', name: account ?? '', namespace: namespace ?? '' };
}
