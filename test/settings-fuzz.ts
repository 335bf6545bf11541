/**
 * Random configs of every setting, with credentials planted where they belong and where they do
 * not: as a setting, in a list, as a name. Each is judged by all that reads a stack file.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import {
  entryOf,
  type GroupName,
  groupNames,
  keysOf,
  secretKeys,
  serviceNames,
} from '../components/catalog.ts';
import { targetNames } from '../components/delivery/targets.ts';
import type { Shape } from '../components/shape.ts';
import { type Schema, wrongTypes } from '../operations/engine/stack-types.ts';
import { parseKubeconfig } from '../settings/kubeconfig.ts';
import { lineOf } from '../settings/mistake.ts';
import { plaintextMistakes } from '../settings/plaintext.ts';
import { settingNames } from '../settings/raw.ts';
import { parseStackFile } from '../settings/stack-file.ts';
import { validate } from '../settings.ts';
import { seededBytes } from './fuzz-seed.ts';

/** A credential as providers give them out, and the parts of it that tell it. */
export interface Planted {
  readonly value: string;
  readonly parts: readonly string[];
}

/** By name; the same for the same seed. */
export function plantedValues(seed: number): ReadonlyMap<string, Planted> {
  const bytes = (name: string, length: number): Buffer => seededBytes(seed, name, length);
  const letters = (name: string, length: number): string =>
    // A digit and a letter in each eight characters, as in nearly all that is random.
    bytes(name, length)
      .toString('base64')
      .replaceAll(/[+/=]/gu, 'x')
      .slice(0, length)
      .replaceAll(/(.{6})../gu, '$17a');
  const hex = (name: string, length: number): string => bytes(name, length / 2).toString('hex');
  const whole = (value: string): Planted => ({ value, parts: [value] });
  const label = ['EC', 'PRIVATE', 'KEY'].join(' ');
  const pemLines =
    bytes('pem', 144)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  const id = hex('uuid', 32).replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-');
  return new Map<string, Planted>([
    ['binance', whole(letters('binance', 64))],
    ['kraken', whole(bytes('kraken', 64).toString('base64'))],
    ['uuid', { value: id, parts: [id.slice(-12)] }],
    ['hex', whole(hex('hex', 24))],
    ['password', whole(`p4${letters('password', 14)}!`)],
    ['punctuated', whole(`$${letters('punctuated', 9)}'\`"\\{${letters('more', 9)}`)],
    ['unicode', whole(`ż${letters('unicode', 18)}🐢`)],
    ['crlf', whole(`${letters('crlf', 16)}\r\n${letters('second', 16)}`)],
    [
      'pem',
      {
        value: [`-----BEGIN ${label}-----`, ...pemLines, `-----END ${label}-----`].join('\n'),
        parts: pemLines,
      },
    ],
    [
      'telegram',
      { value: `123456789:${letters('telegram', 35)}`, parts: [letters('telegram', 35)] },
    ],
    [
      'slack',
      {
        value: `https://hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/${letters('slack', 24)}`,
        parts: [letters('slack', 24)],
      },
    ],
  ]);
}

const window = 8;

/** Names of the planted values of which a text shows at least twice this many characters. */
export function shows(text: string, planted: ReadonlyMap<string, Planted>): readonly string[] {
  return [...planted]
    .filter(([, { parts }]) =>
      parts.some((part) => {
        for (let at = 0; at + window <= part.length; at += window) {
          if (text.includes(part.slice(at, at + window))) return true;
        }
        return false;
      }),
    )
    .map(([name]) => name);
}

/** A leaf that stands encrypted in the stack file. */
export class Encrypted {
  readonly value: string;
  constructor(value: string) {
    this.value = value;
  }
}

/** A config as the fuzzer makes it. */
export type Config = Readonly<Record<string, unknown>>;

const digest = `sha256:${'0'.repeat(64)}`;
const role = (name: string): string => `arn:aws:iam::210987654321:role/${name}`;

/** Right values of the settings that are one text, number or flag. */
const rightScalars: Readonly<Record<string, readonly unknown[]>> = {
  environment: ['dev', 'prod'],
  protect: [false],
  placeholders: [true],
  image: ['hummingbot/hummingbot:version-2.16.0', `hummingbot/hummingbot@${digest}`],
  namespace: ['hummingbot'],
  prefix: ['hummingbot', 'team/hummingbot'],
  externalWithin: ['', '2m', '1h30m', 'never'],
  outputDirectory: ['out'],
  gitopsDirectory: ['gitops'],
  sealedInto: ['cluster', 'git'],
  certificate: ['controller', 'certificate.pem'],
  handOver: [false],
  certificateFingerprint: [Array(32).fill('0A').join(':')],
  account: ['210987654321'],
  region: ['us-east-1'],
  recoveryWindowDays: [7, '30'],
  alertTopic: ['', 'arn:aws:sns:us-east-1:210987654321:alerts'],
  vaultAddress: ['https://vault.example:8200'],
  vaultId: ['1c2d3e4f-5061-4273-8495-a6b7c8d9e0f1'],
  vaultMount: ['secret'],
  vaultAuth: ['kubernetes'],
  cluster: ['0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0'],
  kubeContext: ['ours'],
  issuer: ['https://issuer.example/id/1'],
  operator: ['external-secrets/external-secrets'],
  storageClass: ['', 'gp3'],
  storageSize: ['5Gi'],
  dockerHost: ['unix:///var/run/docker.sock', 'ssh://me@host'],
  dockerCertPath: [''],
  swarmId: ['swarm0swarm0swarm0swarm00'],
  swarmNode: ['node00node00node00node000'],
  swarmDeploy: ['pulumi', 'stack'],
};
const rightLists: Readonly<Record<string, readonly string[]>> = {
  targets: targetNames,
  exchanges: ['binance', 'coinbase', 'kraken', 'kucoin'],
  services: serviceNames,
  deployRoles: [role('deploy'), role('other')],
  breakGlassRoles: [role('glass')],
  administrators: ['User:ann', 'Group:oncall', 'ServiceAccount:ops/argo', role('admin')],
  recipients: [
    'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj',
    'arn:aws:kms:us-east-1:210987654321:alias/hummingbot',
  ],
};

const plain = ['binance', 'uuid', 'hex', 'password'];
/** Which planted values have the shape of a key. */
const shaped: Readonly<Record<Shape, readonly string[]>> = {
  line: plain,
  password: plain,
  pem: ['pem'],
  base64: ['kraken'],
  'chat-id': [],
  'telegram-token': ['telegram'],
  'slack-webhook': ['slack'],
};

/** Configs that are right but for one thing or two, and such as are wrong in many places. */
export function configs(planted: ReadonlyMap<string, Planted>): fc.Arbitrary<Config> {
  return fc.oneof(configsOf(planted, 160), configsOf(planted, 4));
}

/** @param rights how many right settings there are for one that is wrong */
function configsOf(planted: ReadonlyMap<string, Planted>, rights: number): fc.Arbitrary<Config> {
  const values = [...planted.values()].map(({ value }) => value);
  const plant = fc.constantFrom(...values);
  const secret = plant.map((value) => new Encrypted(value));
  const cut = fc.tuple(plant, fc.nat(60)).map(([value, at]) => value.slice(at));
  const joined = fc
    .tuple(fc.constantFrom('binance=', 'a: ', '../', 'hummingbot/hummingbot:', ' ', '$'), plant)
    .map((both) => both.join(''));
  const anything = fc.oneof(fc.jsonValue(), fc.string(), plant, secret, joined);
  const text = fc.oneof(
    { weight: 3, arbitrary: plant },
    { weight: 1, arbitrary: secret },
    { weight: 2, arbitrary: joined },
    { weight: 3, arbitrary: anything },
    { weight: 1, arbitrary: fc.constantFrom('', 'latest', '../out', '5', 'dev', 'compos') },
  );
  const mostly = (right: fc.Arbitrary<unknown>, wrong: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: rights, arbitrary: right }, { weight: 1, arbitrary: wrong });
  const list = (names: readonly string[]) =>
    mostly(
      fc.subarray([...names], { minLength: 1 }),
      fc.oneof(fc.array(fc.oneof(fc.constantFrom(...names), text), { maxLength: 4 }), anything),
    );
  const names = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<string>(...secretKeys) },
    { weight: 1, arbitrary: plant },
    { weight: 1, arbitrary: joined },
    { weight: 1, arbitrary: cut.filter((name) => name.length > 2 * window) },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', '', 'binance_api_kye', 'a b\nc', 'x.y') },
  );
  const wrongMap = fc.oneof(fc.dictionary(names, fc.oneof(secret, text), { maxKeys: 6 }), anything);
  const mapOf = (group: GroupName) => {
    const right = keysOf(group).flatMap((key) => {
      const some = shaped[entryOf(key).shape].map((name) => planted.get(name)?.value ?? '');
      return some.length === 0 ? [] : [[key, mostly(fc.constantFrom(...some), plant)] as const];
    });
    const encrypted = right.map(([key, value]) => [key, value.map((of) => new Encrypted(`${of}`))]);
    return mostly(fc.record(Object.fromEntries(encrypted), { requiredKeys: [] }), wrongMap);
  };
  const field = (right: Readonly<Record<string, readonly unknown[]>>) =>
    mostly(
      fc.record(
        Object.fromEntries(
          Object.entries(right).map(([name, some]) => [
            name,
            mostly(fc.constantFrom(...some), text),
          ]),
        ),
        { requiredKeys: [] },
      ),
      fc.oneof(anything, fc.dictionary(names, text, { maxKeys: 2 })),
    );
  const groupField = (inner: fc.Arbitrary<unknown>) =>
    mostly(
      fc.dictionary(fc.constantFrom<string>(...groupNames), inner, { maxKeys: 2 }),
      fc.oneof(anything, fc.dictionary(names, inner, { maxKeys: 2 })),
    );
  const settings: Record<string, fc.Arbitrary<unknown>> = {
    groups: groupField(
      field({
        naming: ['fixed', 'versioned'],
        source: ['stack'],
        env: ['files', 'values'],
      }),
    ),
    readers: groupField(
      mostly(fc.array(fc.oneof(fc.constant('User:ann'), text), { maxLength: 3 }), text),
    ),
    strategy: field({
      config: ['book.yml'],
      script: ['book.py'],
      controllers: [[], ['more.yml']],
    }),
    rotation: mostly(
      fc.dictionary(
        fc.constantFrom('check', 'revoke'),
        fc.constantFrom<Config>({}, { 'trading.binance': 'hooks/x' }),
        { maxKeys: 2 },
      ),
      fc.oneof(
        anything,
        fc.dictionary(names, text, { maxKeys: 2 }),
        fc.record({ check: fc.dictionary(names, text, { maxKeys: 2 }) }),
        fc.record({ revoke: fc.record({ 'trading.kraken': text }) }),
      ),
    ),
  };
  for (const [name, right] of Object.entries(rightScalars)) {
    settings[name] = mostly(fc.constantFrom(...right), text);
  }
  for (const [name, right] of Object.entries(rightLists)) settings[name] = list(right);
  for (const name of groupNames) settings[name] = mapOf(name);
  const strays = fc.dictionary(
    fc.oneof(
      names,
      fc.constantFrom('exchange', 'trading.binance_api_key', 'constructor'),
      plant.map((value) => `trading.${value}`),
      plant.map((value) => `trading.binance_api_key.${value}`),
    ),
    text,
    { maxKeys: 2 },
  );
  const known = fc.record(settings, {
    requiredKeys: [
      ...['environment', 'targets', 'protect', 'placeholders'],
      ...['account', 'cluster', 'issuer', 'kubeContext', 'certificateFingerprint'],
      ...['vaultAddress', 'vaultId', 'swarmId', 'swarmNode'],
    ],
  });
  return fc
    .tuple(known, mostly(fc.constant({}), strays))
    .map(([right, more]) => ({ ...(more as Config), ...right }));
}

/** All settings are made: one that is new and not made here would never be wrong. */
export const madeSettings: readonly string[] = [
  ...Object.keys(rightScalars),
  ...Object.keys(rightLists),
  ...['groups', 'readers', 'strategy', 'rotation'],
  ...groupNames,
];
export const unmadeSettings = settingNames.filter((name) => !madeSettings.includes(name));

/** The config as the program gets it, opened. */
export function opened(node: unknown): unknown {
  if (node instanceof Encrypted) return node.value;
  if (Array.isArray(node)) return node.map(opened);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, opened(inner)]));
}

/** @param cipher of a value, as `pulumi config set --secret` writes it */
export function stackFileText(config: Config, cipher: (value: string) => string): string {
  const closed = (node: unknown): unknown => {
    if (node instanceof Encrypted) return { secure: cipher(node.value) };
    if (Array.isArray(node)) return node.map(closed);
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, closed(inner)]));
  };
  const named = Object.entries(config).map(([name, value]) => [
    `hummingbot-secrets:${name}`,
    closed(value),
  ]);
  return stringify({ config: Object.fromEntries(named) }, { aliasDuplicateObjects: false });
}

const kubeconfig = parseKubeconfig('/k', [
  {
    file: '/k',
    text: JSON.stringify({
      contexts: [{ name: 'ours', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: 'https://c.invalid' } }],
      users: [{ name: 'u', user: {} }],
    }),
  },
]);

const project = join(import.meta.dirname, '..');
const schemas: Readonly<Record<string, Schema>> = parse(
  readFileSync(join(project, 'Pulumi.yaml'), 'utf8'),
).config;

/** What all that reads the stack file says of a config, a line a mistake. */
function linesOf(config: Config, stack: string, projectDirectory: string): readonly string[] {
  const text = stackFileText(config, () => 'v1:x:y');
  const stackFile = parseStackFile(`Pulumi.${stack}.yaml`, text, 'hummingbot-secrets');
  const checked = validate({
    stack,
    config: opened(config) as Record<string, unknown>,
    stackFile,
    projectDirectory,
    kubeconfig,
  });
  return [
    ...wrongTypes(stack, text, schemas),
    ...plaintextMistakes(stack, stackFile),
    ...('mistakes' in checked ? checked.mistakes : []),
  ].map(lineOf);
}

const slot = globalThis as { underLimit?: () => unknown };
const underLimit = new Script('globalThis.underLimit()');

/** Runs something that may loop, and ends it. @throws Error after that many milliseconds */
export function within<T>(milliseconds: number, work: () => T): T {
  slot.underLimit = work;
  try {
    return underLimit.runInThisContext({ timeout: milliseconds }) as T;
  } finally {
    delete slot.underLimit;
  }
}

/** What is wrong with what was said; never a value. */
export function faultsOf(
  lines: readonly string[],
  planted: ReadonlyMap<string, Planted>,
): readonly string[] {
  const faults = shows(lines.join('\n'), planted).map((name) => `shows the ${name}`);
  for (const line of lines) {
    if (/\n/u.test(line)) faults.push('a line feed in a line');
    if (!/^.+: got .+; allowed: .+; fix: .+$/u.test(line)) faults.push('a line of another form');
    if (/^\s+at .*:\d+:\d+|node:internal/u.test(line)) faults.push('a stack trace');
  }
  return [...new Set(faults)];
}

export interface Fuzzed {
  readonly accepted: number;
  readonly refused: number;
  readonly lines: number;
  /** Longest time for one config, in milliseconds. */
  readonly slowest: number;
  /** All that was said. */
  readonly said: readonly string[];
  /** Undefined when every config was as it has to be. */
  readonly fault: string | undefined;
}

/** Judges that many configs. Faults name what is wrong and how to have it again, and no value. */
export function fuzzSettings(seed: number, runs: number): Fuzzed {
  // Outside of any work tree, so that git is not asked ten thousand times.
  const directory = mkdtempSync(join(tmpdir(), 'settings-fuzz-'));
  writeFileSync(join(directory, 'book.yml'), 'script_file_name: book.py\n');
  writeFileSync(join(directory, 'book.py'), '\n');
  writeFileSync(join(directory, 'more.yml'), 'controller_name: x\n');
  try {
    return fuzzIn(directory, seed, runs);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function fuzzIn(directory: string, seed: number, runs: number): Fuzzed {
  const planted = plantedValues(seed);
  const counted = { accepted: 0, refused: 0, lines: 0, slowest: 0 };
  const said: string[] = [];
  const property = fc.property(
    configs(planted),
    fc.constantFrom('mine', 'mine', 'dev', 'prod', 'Prod'),
    (config, stack) => {
      const begun = performance.now();
      const lines = linesOf(config, stack, directory);
      counted.slowest = Math.max(counted.slowest, performance.now() - begun);
      counted[lines.length === 0 ? 'accepted' : 'refused'] += 1;
      counted.lines += lines.length;
      said.push(...lines);
      const faults = faultsOf(lines, planted);
      if (faults.length > 0) throw new Error(faults.join(', '));
    },
  );
  // A config that is never done with ends here; one that is slow shows in `slowest`.
  const check = () => fc.check(property, { seed, numRuns: runs });
  const { failed, counterexamplePath, errorInstance } = within(5000 + 50 * runs, check);
  const why = errorInstance instanceof Error ? errorInstance.message.split('\n')[0] : '';
  const fault = failed ? `${why} (path ${counterexamplePath})` : undefined;
  return { ...counted, said, fault };
}
