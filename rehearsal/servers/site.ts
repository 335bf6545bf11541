/** Where the servers of a cluster live, and how one asks them whether they are well. */
import { readFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { type Enclosure, inside, toolsInside } from './enclosure.ts';
import type { Servers } from './process.ts';

export interface Site {
  /** Folder of the rehearsal, on this machine. */
  readonly folder: string;
  readonly servers: Servers;
  readonly enclosure: Enclosure;
  /** Folder below the cache's tools that holds Kubernetes' programs. */
  readonly kubernetes: string;
}

/** Networks that exist inside the enclosure only. */
export const podNetwork = '10.214.0.0/24';
export const serviceNetwork = '10.215.0.0/24';
/** The first address of the service network, the API's by Kubernetes' own rule. */
export const apiServiceAddress = '10.215.0.1';
export const dnsServiceAddress = '10.215.0.10';

export function programInside(site: Site, name: string): string {
  return `${toolsInside}/${site.kubernetes}/${name}`;
}

/** A file of the rehearsal's folder, as it is called inside. */
export function fileInside(...path: readonly string[]): string {
  return join(inside, ...path);
}

export const certificate = (name: string): string => fileInside('pki', `${name}.crt`);
export const key = (name: string): string => fileInside('pki', `${name}.key`);

/** The API's URL. Port 443, because an OIDC issuer that AWS takes has none in its URL. */
export function apiUrl({ address }: Pick<Enclosure, 'address'>): string {
  return `https://${address}`;
}

/** Whether a server answers 200 to one who shows the administrator's certificate. */
export async function answers(folder: string, url: string): Promise<boolean> {
  const pki = (name: string): Buffer => readFileSync(join(folder, 'pki', name));
  const options: RequestOptions = {
    ca: pki('ca.crt'),
    cert: pki('admin.crt'),
    key: pki('admin.key'),
    agent: false,
    timeout: 2000,
  };
  return await new Promise((settle) => {
    const asked = request(url, options, (answer) => {
      answer.resume();
      settle(answer.statusCode === 200);
    });
    asked.on('error', () => settle(false));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
