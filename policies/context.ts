/** What the rules know of the stack beside its resources: settings in the clear, and its values. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isFields } from './sight/fields.ts';
import { KnownValues } from './values.ts';

export const environments = ['dev', 'staging', 'prod'] as const;

export interface Context {
  readonly stack: string;
  /** One of the three, or another word. */
  readonly environment: string;
  /** Whether the stack holds what must not be lost or faked. */
  readonly protected: boolean;
  /** What is secret of what was seen so far. */
  readonly values: KnownValues;
}

const project = 'hummingbot-secrets';

/**
 * Of the file that Pulumi reads, and of the defaults of Pulumi.yaml; the engine tells a pack nothing
 * of the config. What cannot be read is taken for the stricter one.
 * @param directory of Pulumi.yaml
 */
export function contextOf(stack: string, directory: string): Context {
  const named = process.env.PULUMI_OPTION_CONFIG_FILE;
  const settings = settingsIn(named || join(directory, `Pulumi.${stack}.yaml`));
  const environment = settings[`${project}:environment`];
  return {
    stack,
    environment: typeof environment === 'string' ? environment : stack,
    protected: String(settings[`${project}:protect`] ?? true) !== 'false',
    values: new KnownValues(),
  };
}

function settingsIn(path: string): Readonly<Record<string, unknown>> {
  try {
    const { config } = parse(readFileSync(path, 'utf8')) as { readonly config?: unknown };
    return isFields(config) ? config : {};
  } catch {
    return {};
  }
}
