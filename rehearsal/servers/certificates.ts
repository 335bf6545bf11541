/**
 * The keys and certificates of a cluster, by openssl. Each component has its own, with the names
 * by which Kubernetes' authorizers know it; all lie in one folder that root alone can read.
 */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { programOf } from '../debian-packages.ts';

/** A rehearsal lasts hours. */
const days = '7';

export interface CertificateSpec {
  readonly name: string;
  /** Kubernetes' user. */
  readonly commonName: string;
  /** Kubernetes' group. */
  readonly organisation?: string;
  /** Names and addresses of a server, as in `DNS:localhost`, `IP:127.0.0.1`; none for a client. */
  readonly servesAs?: readonly string[];
}

/** Makes keys and certificates of one authority. */
export class Certificates {
  readonly folder: string;
  readonly #openssl = programOf('openssl', 'openssl');

  /** @param folder is made; the authority's key and certificate are `ca.key` and `ca.crt` in it */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#request('ca', '/CN=rehearsal', [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign,digitalSignature',
    ]);
  }

  make({ name, commonName, organisation, servesAs = [] }: CertificateSpec): void {
    const subject = `${organisation === undefined ? '' : `/O=${organisation}`}/CN=${commonName}`;
    const usages = servesAs.length > 0 ? 'serverAuth,clientAuth' : 'clientAuth';
    this.#request(
      name,
      subject,
      [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature',
        `extendedKeyUsage=${usages}`,
        ...(servesAs.length > 0 ? [`subjectAltName=${servesAs.join(',')}`] : []),
      ],
      ['-CA', this.#path('ca.crt'), '-CAkey', this.#path('ca.key')],
    );
  }

  /** The pair that signs service account tokens: RSA, because OIDC's consumers all read RS256. */
  makeTokenKeys(name: string): void {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    writeFileSync(this.#path(`${name}.key`), privateKey, { mode: 0o600 });
    writeFileSync(this.#path(`${name}.pub`), publicKey, { mode: 0o600 });
  }

  #path(name: string): string {
    return join(this.folder, name);
  }

  #request(
    name: string,
    subject: string,
    extensions: readonly string[],
    signedBy: readonly string[] = [],
  ): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const out = ['-keyout', this.#path(`${name}.key`), '-out', this.#path(`${name}.crt`)];
    // A configuration of its own: the system's would add extensions of its own.
    const config = this.#path(`${name}.cnf`);
    writeFileSync(config, '[req]\ndistinguished_name=none\n[none]\n', { mode: 0o600 });
    const { status, stderr } = spawnSync(
      this.#openssl,
      [
        ...['req', '-x509', '-sha256', '-days', days, '-subj', subject, '-config', config],
        ...[...key, ...out, ...signedBy, ...extensions.flatMap((each) => ['-addext', each])],
      ],
      { encoding: 'utf8' },
    );
    rmSync(config);
    if (status === 0) return;
    throw new CommandError(
      `openssl: got "${stderr.trim().split('\n').at(-1)}"; allowed: OpenSSL 3; fix: apt-get install openssl`,
    );
  }
}
