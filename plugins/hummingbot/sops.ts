/** The real `sops` of the user. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PluginError } from '../resource-handler.ts';
import { inFolder, reasonOf, runTool, type SealingTool, versionOf } from './sealing-tool.ts';
import { creationRules } from './sops-rules.ts';

/** What is asked of sops; a test has its own. */
export interface Sops {
  /** @throws PluginError when there is none, or one that is too old */
  version(): Promise<string>;
  /**
   * @param plaintext JSON
   * @returns YAML
   * @throws PluginError with sops's reason, as far as it can hold no value
   */
  encrypt(plaintext: string, recipients: readonly string[], signal?: AbortSignal): Promise<string>;
  /**
   * Wraps the data key of a document for other recipients; the values stay as they are encrypted.
   * @returns undefined when no key at hand opens the document
   */
  rewrap(
    document: string,
    recipients: readonly string[],
    signal?: AbortSignal,
  ): Promise<string | undefined>;
}

export class InstalledSops implements Sops {
  readonly #tool: SealingTool;

  /** @param program name on the PATH, or a path */
  constructor(program = 'sops') {
    this.#tool = {
      name: 'sops',
      program,
      // The first that encrypts its standard input.
      oldest: '3.10.0',
      version: {
        words: ['--disable-version-check', '--version'],
        pattern: /sops (\d+\.\d+\.\d+)/u,
      },
      source: 'https://getsops.io',
      // Others would give a document other recipients than its rules do.
      own: { prefix: /^SOPS_/u, kept: /^SOPS_AGE_(?:KEY|SSH)/u },
    };
  }

  async version(): Promise<string> {
    return await versionOf(this.#tool);
  }

  async encrypt(
    plaintext: string,
    recipients: readonly string[],
    signal?: AbortSignal,
  ): Promise<string> {
    return await this.#withRules(recipients, async (rules, document) => {
      const types = ['--input-type', 'json', '--output-type', 'yaml'];
      const words = ['--config', rules, 'encrypt', ...types, '--filename-override', document];
      const ended = await runTool(this.#tool, words, plaintext, signal);
      if (ended.code === 0) return ended.stdout;
      throw new PluginError(
        `sops: got ${reasonOf(ended)}; allowed: recipients that sops can encrypt for; ` +
          'fix: see that the recipients are right and, of KMS, that you may use the key, and run again',
      );
    });
  }

  async rewrap(
    text: string,
    recipients: readonly string[],
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    return await this.#withRules(recipients, async (rules, document) => {
      await writeFile(document, text);
      const words = ['--config', rules, 'updatekeys', '--yes', '--input-type', 'yaml', document];
      const { code } = await runTool(this.#tool, words, '', signal);
      return code === 0 ? await readFile(document, 'utf8') : undefined;
    });
  }

  /** Acts with the rules in a file, and a place for a document that is encrypted. */
  async #withRules<T>(
    recipients: readonly string[],
    act: (rules: string, document: string) => Promise<T>,
  ): Promise<T> {
    return await inFolder(this.#tool, async (folder) => {
      const rules = join(folder, '.sops.yaml');
      await writeFile(rules, creationRules(recipients));
      return await act(rules, join(folder, 'document.yaml'));
    });
  }
}
