/**
 * What the real readers make of the delivered files: `sh` sourcing the env file, Docker Compose v2
 * interpolating it, dotenv, and whoever reads a secret's file. Every printable ASCII character
 * alone, a PEM, and what people write.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import { parse as parseYaml, stringify } from 'yaml';
import { entryOf, environmentName, type SecretKey } from '../../components/catalog.ts';
import { refusesEnv } from '../../components/delivery/env-file.ts';
import { refusalOf } from '../../components/shape.ts';
import { goTool } from '../../operations/engine/go.ts';
import { dockerCompose } from '../../rehearsal/tools/tools.ts';
import { guideKeys } from '../guide-keys.ts';
import { Checkout } from './checkout.ts';

const label = ['EC', 'PRIVATE', 'KEY'].join(' ');
const pem = `-----BEGIN ${label}-----\n${'MHcCAQEEIA+/'.repeat(5)}\n${'abcd'.repeat(16)}==\n-----END ${label}-----`;
const lineKeys = guideKeys.filter((key) => entryOf(key).shape === 'line');

const characters = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at));
const all = [
  ...characters.filter((c) => refusesEnv(c) === undefined && refusalOf('line', c) === undefined),
  "it's",
  'a "quoted" word',
  '$HOME',
  '${HOME}',
  '$$',
  '`id`',
  '$(id)',
  'a\\nb',
  'a # b',
  'a=b',
  '!x',
  'żółw 🐢',
  '%s',
  '~',
  '{{x}}',
  'a\tb',
];

describe('the real consumers', () => {
  const checkout = new Checkout();
  after(() => checkout.remove());
  let compose: string;

  before(async () => {
    compose = await goTool(dockerCompose);
  });

  it('refuse beforehand what cannot travel: the blank alone and the backslash alone', () => {
    const refused = characters.filter(
      (c) => refusesEnv(c) !== undefined || refusalOf('line', c) !== undefined,
    );
    assert.deepEqual(refused, [' ', '\\']);
  });

  /** The environment that Compose gives a container, from a file that names every variable. */
  async function readByCompose(names: readonly string[]): Promise<Record<string, string>> {
    const environment = Object.fromEntries(names.map((name) => [name, `\${${name}:?}`]));
    const document = { name: 'x', services: { all: { image: 'x:1', environment } } };
    writeFileSync(checkout.path('out/dev/all.yaml'), stringify(document));
    const words = [
      '--env-file',
      'out/dev/.env.secrets',
      '-f',
      'out/dev/all.yaml',
      'config',
      '--format',
      'json',
    ];
    const { code, stdout, stderr } = await checkout.run(compose, words);
    assert.equal(code, 0, stderr);
    const read = JSON.parse(stdout).services.all.environment as Record<string, string>;
    // `config` prints a Compose file, in which a dollar is written twice.
    return Object.fromEntries(
      Object.entries(read).map(([name, v]) => [name, v.replaceAll('$$', '$')]),
    );
  }

  async function readBySh(names: readonly string[]): Promise<Record<string, string>> {
    const print = names.map((name) => `printf '%s\\0' "$${name}"`).join('; ');
    const { stdout } = await checkout.run('sh', ['-c', `set -a; . out/dev/.env.secrets; ${print}`]);
    const values = stdout.split('\0');
    return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
  }

  const rounds = Math.ceil(all.length / lineKeys.length);
  for (let round = 0; round < rounds; round++) {
    const batch = all.slice(round * lineKeys.length, (round + 1) * lineKeys.length);
    it(`read alike and right: ${batch.length} values, round ${round + 1} of ${rounds}`, async () => {
      const values = new Map<SecretKey, string>(
        batch.map((value, at) => [lineKeys[at] as SecretKey, value]),
      );
      values.set('coinbase_secret_key', pem);
      await checkout.import(values);
      assert.equal((await checkout.npmStart()).code, 0);
      const names = [...values.keys()].map((key) => environmentName(key));
      const byCompose = await readByCompose(names);
      const bySh = await readBySh(names);
      const byDotenv = parseDotenv(readFileSync(checkout.path('out/dev/.env.secrets')));
      for (const [key, value] of values) {
        const name = environmentName(key);
        const file = checkout.read(`out/dev/secrets/${entryOf(key).directory}/${key}`);
        assert.equal(file, value, `${key} in its file`);
        assert.equal(byCompose[name], value, `${key} by Compose`);
        assert.equal(bySh[name], value, `${key} by sh`);
        assert.equal(byDotenv[name], value, `${key} by dotenv`);
      }
    });
  }

  it('Compose takes both files, for one project and service, with nothing obsolete to warn of', async () => {
    const plain = await checkout.run(compose, ['-f', 'out/dev/compose.yaml', 'config']);
    const env = await checkout.run(compose, [
      '--env-file',
      'out/dev/.env.secrets',
      '-f',
      'out/dev/compose.env.yaml',
      'config',
    ]);
    for (const { code, stderr } of [plain, env]) assert.deepEqual([code, stderr], [0, '']);
    const [a, b] = [parseYaml(plain.stdout), parseYaml(env.stdout)];
    assert.equal(a.name, b.name);
    assert.deepEqual(Object.keys(a.services), ['hummingbot']);
    assert.deepEqual(Object.keys(b.services), ['hummingbot']);
    assert.equal(a.services.hummingbot.secrets.length, 10);
    assert.equal(b.services.hummingbot.environment.COINBASE_SECRET_KEY, pem);
    assert.equal(Object.keys(b.services.hummingbot.environment).length, 10 + 1);
  });

  it('Compose refuses to start a bot without keys when --env-file was forgotten', async () => {
    const { code, stderr } = await checkout.run(compose, [
      '-f',
      'out/dev/compose.env.yaml',
      'config',
    ]);
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      /required variable [A-Z_]+ is missing a value: use --env-file \.env\.secrets/,
    );
  });
});
