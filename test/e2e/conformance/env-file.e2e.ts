import assert from 'node:assert/strict';
import { parse } from 'dotenv';
import { environmentName, type SecretKey, secretKeys } from '../../../components/catalog.ts';
import { ComposeTarget } from './compose-target.ts';
import { conforms } from './suite.ts';
import { everyByteClass } from './values.ts';

const file = '.env.secrets';

class EnvFile extends ComposeTarget {
  readonly name = 'env-file';
  readonly awkward = everyByteClass.replace("'", '');
  readonly refused = new Map([
    [
      everyByteClass,
      /got a ' together with one of \$ ` " \\; allowed: what target env-file can carry/u,
    ],
    [
      'ends with a backslash\\',
      /got a backslash at the end; allowed: what target env-file can carry/u,
    ],
  ]);
  protected readonly flags = ['--env-file', `out/dev/${file}`, '-f', 'out/dev/compose.env.yaml'];
  protected readonly print = secretKeys
    .map(environmentName)
    .map((name) => `if [ "\${${name}+set}" ]; then printf '%s\\0' ${name} "$${name}"; fi`)
    .join('; ');

  protected fileOf(): string {
    return file;
  }

  /** By sh and by dotenv, which have to agree. */
  async value(key: SecretKey): Promise<string | undefined> {
    const content = this.content(file);
    if (content === undefined) return undefined;
    const name = environmentName(key);
    const line = `set -a; . out/dev/${file}; printf %s "\${${name}-none}"`;
    const { stdout } = await this.run('sh', ['-c', line]);
    this.checkout.forget(stdout);
    const byDotenv = parse(content)[name];
    assert.ok(stdout === (byDotenv ?? 'none'), `${name}: sh and dotenv disagree`);
    return byDotenv;
  }
}

conforms(new EnvFile());
