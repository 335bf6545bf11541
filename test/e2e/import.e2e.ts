/** `npm run import` through the real npm and engine, and Docker Compose on what it takes over. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { environmentName } from '../../components/catalog.ts';
import { goTool } from '../../operations/engine/go.ts';
import { readEnvText } from '../../operations/import/env-file.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { leaks, makeCanary } from '../canary.ts';
import { envFiles } from '../operations/import/env-texts.ts';
import { Checkout, type Result } from './checkout.ts';

describe('npm run import', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  const canaries = new Map(
    ['one', 'two', 'three', 'other'].map((name) => [name, makeCanary(`import-${name}`)]),
  );
  const value = (name: string): string => canaries.get(name) ?? '';
  const elsewhere = join(checkout.temporary, 'else where');

  const write = (path: string, text: string): void => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  };
  /** Runs it from a directory, as a user who has gone there does. */
  async function importFrom(directory: string, ...words: string[]): Promise<Result> {
    const script = 'cd "$1" && shift && exec npm --prefix "$0" run -s import -- "$@"';
    const args = ['-c', script, checkout.directory, directory, ...words];
    const result = await checkout.run('sh', args);
    const printed = `${result.stdout}\n${result.stderr}`;
    assert.deepEqual(leaks(printed, canaries), []);
    assert.doesNotMatch(printed, /^\s+at \S+ \(|node:internal/m);
    return result;
  }
  async function settings(): Promise<Readonly<Record<string, string>>> {
    const words = ['config', 'get', '--json', '--path', 'trading', '--stack', 'dev'];
    const { code, stdout } = await checkout.pulumi(words);
    return code === 0 ? JSON.parse(JSON.parse(stdout).value) : {};
  }

  it('finds a relative path where the user stands: elsewhere, and in a folder of the checkout', async () => {
    write(join(elsewhere, 'old/.env.secrets'), `BINANCE_API_KEY="${value('one')}"\nFOO=x\n`);
    const first = await importFrom(elsewhere, '--stack', 'dev', 'old/.env.secrets');
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stdout,
      /^not in the catalog, left out: "FOO" in old\/\.env\.secrets line 2$/m,
    );
    assert.match(
      first.stdout,
      /^1 of stack dev set, 1 left out\. Next: npm start -- --stack dev$/m,
    );
    write(checkout.path('out/mine/binance_secret_key'), value('two'));
    const second = await importFrom(checkout.path('out'), './mine');
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(await settings(), {
      binance_api_key: value('one'),
      binance_secret_key: value('two'),
    });
  });

  it('sets nothing when one line is read otherwise by others, and says the path back', async () => {
    const before = checkout.read('.local/stacks/Pulumi.dev.yaml');
    write(
      join(elsewhere, "it's/.env"),
      `KRAKEN_API_KEY=${value('three')}\nBINANCE_API_KEY=${value('other')}#x\nnonsense ${value('other')}\n`,
    );
    const { code, stderr } = await importFrom(elsewhere, "it's/.env");
    assert.equal(code, 1);
    const again = "npm run import -- --stack dev 'it'\\''s/.env'";
    assert.deepEqual(stderr.trim().split('\n'), [
      `it's/.env line 2, BINANCE_API_KEY: got a # without quotes; allowed: what sh, Docker Compose and dotenv read alike; fix: write the value as it is, with real line breaks, in single quotes and nothing behind them, then ${again}`,
      `it's/.env line 3: got no assignment; allowed: NAME=VALUE, a comment or a blank line; fix: mend that line, then ${again}`,
      'Nothing was set.',
    ]);
    assert.equal(checkout.read('.local/stacks/Pulumi.dev.yaml'), before);
  });

  it('names each file that it did not read', async () => {
    write(join(elsewhere, 'tree/kraken_api_key'), value('three'));
    write(join(elsewhere, 'tree/kraken_secret_key'), value('other').repeat(2000));
    write(join(elsewhere, 'tree/.env.secrets'), `REDIS_PASSWORD=${value('other')}`);
    const { code, stdout } = await importFrom(join(elsewhere, 'tree'), '.');
    assert.equal(code, 0);
    assert.match(stdout, /^not read, left out: \.env\.secrets: hidden; an env file is imported/m);
    assert.match(stdout, /^not read, left out: kraken_secret_key: larger than 64 KiB$/m);
    assert.match(stdout, /^1 of stack dev set, 2 left out\./m);
    assert.equal((await settings()).kraken_api_key, value('three'));
  });

  it('takes over what Docker Compose reads alike: random files', async () => {
    const compose = await goTool(dockerCompose);
    const again = { stack: 'dev', command: '' };
    const files = fc.sample(envFiles({ others: false }), 3000).flatMap((text) => {
      const { found, mistakes } = readEnvText(text, '.env', again);
      const values = found.map((each) => [environmentName(each.key), each.value]);
      return mistakes.length > 0 || values.length === 0 ? [] : [{ text, values }];
    });
    assert.ok(files.length > 300, `only ${files.length} files were taken over`);
    const directory = join(checkout.temporary, 'compose');
    const services = files.map(({ text }, at): [string, object] => {
      write(join(directory, `${at}.env`), text);
      return [`s${at}`, { image: 'x:1', env_file: `${at}.env` }];
    });
    const file = join(directory, 'compose.yaml');
    write(file, stringify({ name: 'x', services: Object.fromEntries(services) }));
    const read = await checkout.run(compose, ['-f', file, 'config', '--format', 'json']);
    assert.equal(read.code, 0, read.stderr);
    const config = JSON.parse(read.stdout).services;
    files.forEach(({ text, values }, at) => {
      // `config` prints a Compose file, in which a dollar is written twice.
      const byCompose = Object.entries<string>(config[`s${at}`].environment).map(([name, each]) => [
        name,
        each.replaceAll('$$', '$'),
      ]);
      assert.deepEqual(
        Object.fromEntries(byCompose),
        Object.fromEntries(values),
        JSON.stringify(text),
      );
    });
  });
});
