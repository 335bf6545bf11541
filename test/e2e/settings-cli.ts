/**
 * Random configs through the real command line: each is a whole stack file, with credentials that
 * are encrypted for real where they belong, and stand anywhere else in the clear.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { parse } from 'yaml';
import { entryOf, secretKeys } from '../../components/catalog.ts';
import { targetNames, targetOf } from '../../components/delivery/targets.ts';
import {
  type Config,
  configs,
  type Planted,
  plantedValues,
  shows,
  stackFileText,
} from '../settings-fuzz.ts';
import { Checkout } from './checkout.ts';

const stackFile = '.local/stacks/Pulumi.dev.yaml';
const project = 'hummingbot-secrets';

export interface Tried {
  readonly code: number;
  readonly milliseconds: number;
  /** A word or two each; never a value. */
  readonly faults: readonly string[];
}

export class SettingsByCommand {
  readonly #checkout: Checkout;
  readonly #planted: ReadonlyMap<string, Planted>;
  readonly #ciphers: ReadonlyMap<string, string>;
  readonly #salt: string;

  private constructor(
    checkout: Checkout,
    planted: ReadonlyMap<string, Planted>,
    ciphers: ReadonlyMap<string, string>,
    salt: string,
  ) {
    this.#checkout = checkout;
    this.#planted = planted;
    this.#ciphers = ciphers;
    this.#salt = salt;
  }

  /** Has each credential encrypted once, as the stack would; a ciphertext holds at any place. */
  static async open(seed: number): Promise<SettingsByCommand> {
    const checkout = new Checkout();
    const planted = plantedValues(seed);
    const keys = secretKeys.filter((key) => entryOf(key).group === 'trading');
    const names = [...planted.values()].map(({ value }, at) => ({ value, key: keys[at] ?? '' }));
    for (const { value, key } of names) await checkout.setSecret(`trading.${key}`, value);
    const file = parse(readFileSync(checkout.path(stackFile), 'utf8')) as {
      readonly encryptionsalt: string;
      readonly config: Readonly<Record<string, Readonly<Record<string, { secure: string }>>>>;
    };
    const map = file.config[`${project}:trading`] ?? {};
    const ciphers = new Map(names.map(({ value, key }) => [value, map[key]?.secure ?? '']));
    return new SettingsByCommand(checkout, planted, ciphers, file.encryptionsalt);
  }

  /** Of stacks of files: one of a cluster would wait for its servers. */
  sample(seed: number, count: number): readonly Config[] {
    const remote = targetNames.filter((name) => targetOf(name).kind !== 'files');
    const ofFiles = (config: Config): boolean =>
      !remote.some((name) => JSON.stringify(config.targets ?? '').includes(name));
    return fc.sample(configs(this.#planted).filter(ofFiles), { seed, numRuns: count });
  }

  /** `npm run pulumi -- preview` of a config. */
  async try(config: Config): Promise<Tried> {
    const cipher = (value: string): string => {
      const found = this.#ciphers.get(value);
      assert.ok(found !== undefined && found !== '', 'a value that was not encrypted');
      return found;
    };
    const text = `${stackFileText(config, cipher)}encryptionsalt: ${this.#salt}\n`;
    writeFileSync(this.#checkout.path(stackFile), text, { mode: 0o600 });
    const begun = performance.now();
    const { code, stdout, stderr } = await this.#checkout.pulumi(['preview', '--stack', 'dev']);
    const milliseconds = performance.now() - begun;
    const printed = `${stdout}\n${stderr}`;
    const faults = shows(printed, this.#planted).map((name) => `shows the ${name}`);
    if (/^\s+at .*:\d+:\d+|node:internal/mu.test(printed)) faults.push('a stack trace');
    if (code > 1) faults.push(`exit code ${code}`);
    if (code === 1 && !/: got .+; allowed: .+; fix: .+/u.test(printed)) {
      faults.push(`no line that says why: ${printed.trim().split('\n').at(-1)?.slice(0, 200)}`);
    }
    return { code, milliseconds, faults };
  }

  close(): void {
    this.#checkout.remove();
  }
}
