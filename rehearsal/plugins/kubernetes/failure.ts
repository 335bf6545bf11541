/** Errors of the API as lines that a user sees: the server's words only where none is a value. */
import { KubernetesError, UnreachableError } from '../../../plugins/kubernetes-api.ts';
import { containsSecret, PluginError, type Properties } from '../../../plugins/provider-server.ts';
import type { Kind } from './kinds.ts';

const conflict = 409;

/** @param marked inputs with their marks: what holds a secret may be quoted by the server */
export function lineOf(error: unknown, kind: Kind, marked: Properties): string {
  if (error instanceof UnreachableError) return error.message;
  if (!(error instanceof KubernetesError)) {
    // Not the server's and not ours: its text may hold anything.
    return error instanceof PluginError ? error.message : `${kind.kind}: ${(error as Error).name}`;
  }
  const tellable = kind.kind !== 'Secret' && !containsSecret(marked);
  const said = [error.code, error.reason, tellable ? error.text : ''].filter((each) => each !== '');
  const apply = error.code === conflict && error.reason === 'Conflict';
  const hint = apply
    ? '; another manager owns a field; fix: leave it to that one, or set pulumi.com/patchForce'
    : '';
  return `${said.join(' ')}${hint}`;
}

export function isMissing(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === 404;
}

export function isForbidden(error: unknown): boolean {
  return error instanceof KubernetesError && error.code === 403;
}

export function alreadyExists(error: unknown): boolean {
  return error instanceof KubernetesError && error.reason === 'AlreadyExists';
}
