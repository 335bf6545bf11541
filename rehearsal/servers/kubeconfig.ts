/** Files that tell a client which API it talks to and as whom. JSON, which is YAML. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileInside } from './site.ts';

/** The one context of every file that is written here. */
export const contextName = 'rehearsal';

export interface KubeconfigArgs {
  /** Folder of the rehearsal, with `pki/` in it. */
  readonly folder: string;
  readonly server: string;
  /** Name of the certificate in `pki/`; the file becomes `kubeconfigs/<name>`. */
  readonly user: string;
}

function write(path: string, server: object, user: object): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': contextName,
    contexts: [{ name: contextName, context: { cluster: contextName, user: contextName } }],
    clusters: [{ name: contextName, cluster: server }],
    users: [{ name: contextName, user }],
  };
  writeFileSync(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}

/** For a server inside, which reads its certificate from its file. */
export function writeServerKubeconfig({ folder, server, user }: KubeconfigArgs): void {
  const pki = (name: string): string => fileInside('pki', name);
  write(
    join(folder, 'kubeconfigs', user),
    { server, 'certificate-authority': pki('ca.crt') },
    { 'client-certificate': pki(`${user}.crt`), 'client-key': pki(`${user}.key`) },
  );
}

/**
 * For a client on this machine: whole in itself, because its text is what a provider is given.
 * @returns its path
 */
export function writeClientKubeconfig({ folder, server, user }: KubeconfigArgs): string {
  const base64 = (name: string): string => readFileSync(join(folder, 'pki', name), 'base64');
  const path = join(folder, 'kubeconfigs', user);
  write(
    path,
    { server, 'certificate-authority-data': base64('ca.crt') },
    { 'client-certificate-data': base64(`${user}.crt`), 'client-key-data': base64(`${user}.key`) },
  );
  return path;
}

/** For a service account: its token lies in a file of its own. */
export function writeTokenKubeconfig(
  path: string,
  cluster: { readonly server: string; readonly authority?: string },
  tokenFile: string,
): void {
  const authority = cluster.authority && {
    'certificate-authority-data': Buffer.from(cluster.authority).toString('base64'),
  };
  write(path, { server: cluster.server, ...authority }, { tokenFile });
}
