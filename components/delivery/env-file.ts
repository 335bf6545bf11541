/** Target `env-file`: all values in `.env.secrets`, which Docker Compose interpolates. */
import * as pulumi from '@pulumi/pulumi';
import { File, temporaryOf } from '../../plugins/hummingbot/resources.ts';
import { environmentName } from '../catalog.ts';
import type { Key } from '../values.ts';
import { type DeliveryArgs, FileDelivery, type FileTarget, type Reference } from './delivery.ts';

const fileName = '.env.secrets';
const mode = '0600';

/** One file that `sh`, Docker Compose v2 and dotenv read alike. */
export class EnvFile extends FileDelivery {
  readonly composeFile = 'compose.env.yaml';
  readonly next = `docker compose --env-file ${fileName} -f compose.env.yaml up -d`;

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('EnvFile', name, args, opts);
    const secrets = args.groups.flatMap((group) => group.secrets);
    const content = pulumi
      .all(secrets.map(({ value }) => value))
      .apply((values) => secrets.map(({ key }, index) => line(key, values[index] ?? '')).join(''));
    new File(
      `${name}-env-secrets`,
      { root: args.root, path: `${args.stack}/${fileName}`, content, mode },
      { parent: this },
    );
    this.registerOutputs({});
  }

  protected override reference(secret: Key): Reference {
    const name = environmentName(secret.key);
    // Fails the `docker compose` that forgot --env-file, instead of starting a bot without keys.
    const value = `\${${name}:?use --env-file ${fileName}}`;
    return { key: secret.key, environment: { [name]: value } };
  }
}

function line(key: string, value: string): string {
  return `${environmentName(key)}=${quoted(value)}\n`;
}

/**
 * Quotes a value so that sh, Compose v2 (compose-go's dotenv) and dotenv read the same: single
 * quotes keep everything, real newlines too; double quotes serve a value with a single quote.
 * @throws Error when the three would not agree; `refusesEnv` says so beforehand
 */
export function quoted(value: string): string {
  const reason = refusesEnv(value);
  if (reason !== undefined) throw new Error(`env-file: a value with ${reason} cannot be written`);
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}

/** Why the three readers would not agree on a value. */
export function refusesEnv(value: string): string | undefined {
  if (value.includes('\0')) return 'a NUL byte';
  if (value.includes('\r')) return 'a carriage return';
  if (value.includes("'")) {
    if (/[$`"\\]/u.test(value)) return 'a \' together with one of $ ` " \\';
    return undefined;
  }
  return value.endsWith('\\') ? 'a backslash at the end' : undefined;
}

export const envFile: FileTarget = {
  kind: 'files',
  needs: [],
  valuePaths: () => [fileName, temporaryOf(fileName)],
  trace: ({ key }) => ({
    path: fileName,
    mode,
    holds: (content, value) =>
      `\n${content}`.includes(
        `\n${value === undefined ? `${environmentName(key)}=` : line(key, value)}`,
      ),
    part: (value) => line(key, value),
  }),
  claims: [fileName, 'compose.env.yaml'],
  refuses: refusesEnv,
  deliver: (name, args, opts) => new EnvFile(name, args, opts),
};
