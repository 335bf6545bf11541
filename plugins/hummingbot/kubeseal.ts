/** The real `kubeseal` of the user: seals for a certificate, and talks to no cluster. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, PluginError } from '../resource-handler.ts';
import { inFolder, reasonOf, runTool, type SealingTool, versionOf } from './sealing-tool.ts';

/** What is sealed: the values of one Secret, for one place. */
export interface Sealable {
  /** Strict scope: nothing else opens in its place. */
  readonly namespace: string;
  readonly name: string;
  /** Values in base64, by key. Secret. */
  readonly data: Readonly<Record<string, string>>;
}

/** What is asked of kubeseal; a test has its own. */
export interface Kubeseal {
  /** @throws PluginError when there is none, or one that is too old */
  version(): Promise<string>;
  /**
   * @param certificate PEM
   * @returns ciphertexts by key
   * @throws PluginError with kubeseal's reason, as far as it can hold no value
   */
  seal(
    plain: Sealable,
    certificate: string,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

/** Two bytes of a length, a key of 2048 bits or more, and the ciphertext, in base64. */
const shortestCiphertext = 340;

export class InstalledKubeseal implements Kubeseal {
  readonly #tool: SealingTool;

  /** @param program name on the PATH, or a path */
  constructor(program = 'kubeseal') {
    this.#tool = {
      name: 'kubeseal',
      program,
      // Older ones, the guide's 0.24 among them, have CVE-2026-22728.
      oldest: '0.36.0',
      version: { words: ['--version'], pattern: /kubeseal version: v?(\d+\.\d+\.\d+)/u },
      source: 'https://github.com/bitnami-labs/sealed-secrets',
      // Each is one of its flags, the scope among them.
      own: { prefix: /^SEALED_SECRETS_/u },
    };
  }

  async version(): Promise<string> {
    return await versionOf(this.#tool);
  }

  async seal(
    plain: Sealable,
    certificate: string,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const { namespace, name, data } = plain;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data };
    return await inFolder(this.#tool, async (folder) => {
      const path = join(folder, 'certificate.pem');
      await writeFile(path, certificate);
      const words = ['--cert', path, '--scope', 'strict', '--format', 'json'];
      const ended = await runTool(this.#tool, words, JSON.stringify(secret), signal);
      if (ended.code !== 0) {
        throw new PluginError(
          `kubeseal: got ${reasonOf(ended)}; allowed: a certificate of a sealed-secrets controller; ` +
            'fix: kubeseal --fetch-cert > FILE, with the setting certificate',
        );
      }
      const sealed = sealedIn(ended.stdout, plain);
      if (sealed !== undefined) return sealed;
      throw new PluginError(
        `kubeseal: got something else than a SealedSecret of strict scope for ${namespace}/${name} with all its keys; ` +
          'allowed: what kubeseal 0.36 writes; fix: kubeseal --version, and which kubeseal',
      );
    });
  }
}

/**
 * The ciphertexts of what kubeseal wrote.
 * @returns undefined for another object or place, a wider scope, another key, or what is no ciphertext
 */
function sealedIn(
  text: string,
  { namespace, name, data }: Sealable,
): Readonly<Record<string, string>> | undefined {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { kind, metadata, spec } = isObject(written) ? written : {};
  if (kind !== 'SealedSecret' || !isObject(metadata) || !isObject(spec)) return undefined;
  if (metadata.name !== name || metadata.namespace !== namespace) return undefined;
  const { encryptedData, template } = spec;
  if (!isObject(encryptedData) || !isObject(template)) return undefined;
  // The wider scopes are said by annotations; strict is what stands without one.
  const notes = [metadata, template.metadata].flatMap((each) =>
    isObject(each) && isObject(each.annotations) ? Object.keys(each.annotations) : [],
  );
  if (notes.some((each) => each.endsWith('-wide'))) return undefined;
  const keys = Object.keys(encryptedData).toSorted();
  if (keys.join('\n') !== Object.keys(data).toSorted().join('\n')) return undefined;
  return Object.values(encryptedData).every(isCiphertext)
    ? (Object.fromEntries(keys.map((key) => [key, encryptedData[key]])) as Record<string, string>)
    : undefined;
}

function isCiphertext(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length >= shortestCiphertext &&
    /^[A-Za-z0-9+/]+={0,2}$/u.test(value)
  );
}
