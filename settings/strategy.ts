/**
 * Checks what the bot is to trade by: files of the user's, which travel beside the secrets and are
 * public. Their kind is what they say themselves, as Hummingbot tells it (hummingbot/client/runner.py).
 */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Strategy, StrategyFile } from '../components/strategy.ts';
import { nearest, pulumiCommand, removeCommand, shown, shownName } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';

const fields = ['config', 'script', 'controllers'] as const;

/** What lies beside them in the container. */
const reserved = ['materialise.py', 'launch.py', 'bot.json'];

/** All files of a stack travel in one ConfigMap, which etcd limits to 1 MiB. */
const maxBytes = 256 * 1024;

/** Shorter ones stand in any file by chance. */
const shortestLookedFor = 8;

const fileName = {
  config: { pattern: /^\w[\w.-]{0,99}\.yml$/u, allowed: 'a YAML file, NAME.yml' },
  script: { pattern: /^[A-Za-z_]\w{0,99}\.py$/u, allowed: 'a Python module, NAME.py' },
  controllers: { pattern: /^\w[\w.-]{0,99}\.yml$/u, allowed: 'YAML files, NAME.yml' },
} as const;

/**
 * @param values that must not stand in a public file
 * @returns undefined when nothing is set: then the bot logs in, and does not trade
 */
export function checkStrategy(
  raw: RawSettings,
  values: Iterable<string>,
  found: Found,
): Strategy | undefined {
  const map = raw.config.strategy ?? {};
  const remove = pulumiCommand(raw.stack, 'config', 'rm', 'strategy');
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    found({
      what: 'strategy',
      got: 'something that is not a map',
      allowed: `a map of ${fields.join(', ')}`,
      fix: remove,
    });
    return undefined;
  }
  const given = Object.entries(map as Record<string, unknown>);
  if (given.length === 0) return undefined;
  for (const [field] of given) {
    if ((fields as readonly string[]).includes(field)) continue;
    found({
      what: `strategy.${shownName(field)}`,
      got: 'an unknown field',
      allowed: nearest(field, fields) ?? fields.join(', '),
      fix: removeCommand(raw.stack, field, 'strategy'),
    });
  }
  const { config, script, controllers = [] } = map as Record<string, unknown>;
  const secret = [...values].filter((value) => value.length >= shortestLookedFor);
  const names = new Set(reserved);
  const read = (field: (typeof fields)[number], path: unknown, what: string) => {
    const file = readStrategyFile(raw, { field, path, what, secret, found });
    if (file === undefined) return undefined;
    if (!names.has(file.name)) {
      names.add(file.name);
      return file;
    }
    const fix = pulumiCommand(raw.stack, 'config', 'rm', `--path '${what}'`);
    const allowed = 'a name of its own, because they share a folder';
    return found({ what, got: `the name ${file.name} again`, allowed, fix }) as undefined;
  };
  const main = config === undefined ? undefined : read('config', config, 'strategy.config');
  if (config === undefined) {
    found({
      what: 'strategy.config',
      got: 'nothing',
      allowed: fileName.config.allowed,
      fix: `${pulumiCommand(raw.stack, 'config', 'set', "--path 'strategy.config'", 'strategies/NAME.yml')}, or ${remove}`,
    });
  }
  const more = listOf(controllers).map((path, index) =>
    read('controllers', path, `strategy.controllers[${index}]`),
  );
  const code = script === undefined ? undefined : read('script', script, 'strategy.script');
  if (main === undefined) return undefined;
  const type = typeOf(raw, main, code, found);
  if (type === undefined) return undefined;
  return {
    type,
    config: main,
    script: code,
    controllers: more.filter((file) => file !== undefined),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

interface Reading {
  readonly field: (typeof fields)[number];
  readonly path: unknown;
  readonly what: string;
  readonly secret: readonly string[];
  readonly found: Found;
}

function readStrategyFile(
  { stack, projectDirectory }: RawSettings,
  { field, path, what, secret, found }: Reading,
): StrategyFile | undefined {
  const { pattern, allowed } = fileName[field];
  const fix = pulumiCommand(stack, 'config', 'set', `--path '${what}'`, 'strategies/NAME');
  const refuse = (got: string, instead: string = allowed, mend = fix): undefined =>
    found({ what, got, allowed: instead, fix: mend }) as undefined;
  if (typeof path !== 'string') return refuse(`a ${typeof path}`);
  const name = basename(path);
  if (!pattern.test(name)) return refuse(shown(path));
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(
      readFileSync(resolve(projectDirectory, path)),
    );
  } catch (error) {
    const { code = 'text that is not UTF-8' } = error as NodeJS.ErrnoException;
    return refuse(`${shown(path)}, which cannot be read (${code})`);
  }
  if (Buffer.byteLength(content) > maxBytes) {
    return refuse(`${shown(path)} of ${Buffer.byteLength(content)} bytes`, `at most ${maxBytes}`);
  }
  if (secret.some((value) => content.includes(value))) {
    return refuse(
      `${shown(path)}, which holds a secret value of this stack`,
      'a file without secrets: it travels in the clear',
      `take the value out of ${path}, and rotate it`,
    );
  }
  return { name, content };
}

/** A configuration says itself what it configures. */
function typeOf(
  { stack }: RawSettings,
  config: StrategyFile,
  script: StrategyFile | undefined,
  found: Found,
): Strategy['type'] | undefined {
  const refuse = (got: string, allowed: string): undefined =>
    found({
      what: 'strategy.config',
      got: `${config.name}, ${got}`,
      allowed,
      fix: pulumiCommand(stack, 'config', 'set', "--path 'strategy.config'", 'strategies/NAME.yml'),
    }) as undefined;
  let map: unknown;
  try {
    map = parse(config.content);
  } catch {
    return refuse('which is not YAML', 'YAML');
  }
  const said = (typeof map === 'object' && map !== null ? map : {}) as Record<string, unknown>;
  if (typeof said.script_file_name === 'string' && said.script_file_name !== '') {
    if (script === undefined || script.name === said.script_file_name) return 'v2-script';
    return refuse(`whose script_file_name is not ${script.name}`, 'the name of strategy.script');
  }
  if (typeof said.strategy === 'string' && script === undefined) return 'v1-strategy';
  if (typeof said.controller_name === 'string') {
    return refuse(
      'a controller, which runs in a script alone',
      'the configuration of a script such as v2_with_controllers.py, with this file in strategy.controllers',
    );
  }
  return refuse(
    'which names neither script_file_name nor strategy',
    'the configuration of a script (script_file_name) or of a strategy (strategy)',
  );
}
