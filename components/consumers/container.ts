/**
 * What the bot's container is given, the same on every target: programs, what they are told of the
 * catalog, places, and commands. Nothing here is secret.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CatalogEntry,
  type Exchange,
  entryOf,
  environmentName,
  exchangeNames,
  exchanges,
  keystoreKey,
  type SecretKey,
  secretKeys,
} from '../catalog.ts';
import type { Reference } from '../delivery/delivery.ts';
import { lookSeconds } from '../outside.ts';
import { maxValueBytes, ruleOf } from '../shape.ts';
import type { Strategy, StrategyFile } from '../strategy.ts';

/** Working directory of the official image; the bot finds its own folders from there. */
export const home = '/home/hummingbot';
/** Where the container sees the files below; read-only. */
export const programDirectory = '/etc/hummingbot';
/** In memory: the keystore's password, the report for the doctor, and the mark of readiness. */
export const runDirectory = '/run/hummingbot';

/** What the bot writes, below its home: kept, or a bot that is made anew forgets its trades. */
export const keptDirectories = ['conf', 'data', 'logs'] as const;

/** Variables of a container of Docker; they hold paths or interpolations, never a value. */
export function environmentOf(references: readonly Reference[]): Readonly<Record<string, string>> {
  return Object.assign({ HOME: '/tmp' }, ...references.map(({ environment }) => environment));
}

/** Exists while the bot is logged in, has read all its keys, and runs its strategy if it has one. */
export const readyFile = `${runDirectory}/ready`;

/** Folders of the bot's configuration and code, by kind of strategy (hummingbot/client/settings.py). */
const configFolders = { 'v1-strategy': 'conf/strategies', 'v2-script': 'conf/scripts' } as const;
const engineOptions = { 'v1-strategy': '--config', 'v2-script': '--script-config' } as const;

/** Pythons of the official images: from 2.17 on, and before (their Dockerfiles). */
const pythons = [`${home}/.venv/bin/python`, '/opt/conda/envs/hummingbot/bin/python'];

/** Time to cancel open orders. */
export const stopSeconds = 120;

/** Codes of sysexits.h that the programs exit with, as their own heads say. */
const wrongInput = 65;

/** `materialise`: an init container. `launch`: the bot after it. `both`: where there is none. */
export type Program = 'materialise' | 'launch' | 'both';

const programArguments: Record<Program, string> = {
  materialise: 'materialise.py',
  // `hbot status` knows a bot by the name of its engine among the arguments.
  launch: 'launch.py hummingbot.cli.engine',
  both: 'launch.py hummingbot.cli.engine --materialise',
};

/** The images disagree about where their Python is, and only some have it on the PATH. */
export function commandOf(program: Program): readonly string[] {
  const found = `exec "$python" -u ${programDirectory}/${programArguments[program]}`;
  const line =
    'image: got none of Hummingbot 2.16.0 or newer; allowed: hummingbot/hummingbot; fix: the setting image';
  return [
    '/bin/sh',
    '-c',
    `for python in ${pythons.join(' ')}; do if [ -x "$python" ]; then ${found}; fi; done; ` +
      `if [ -w /dev/termination-log ]; then echo '${line}' >/dev/termination-log; fi; ` +
      `echo '${line}' >&2; exit ${wrongInput}`,
  ];
}

/**
 * Files of the program directory, by name.
 * @param keys that a delivery gives the bot
 * @param fromOutside those of them that somebody else changes while the bot runs
 */
export function programFiles(
  keys: readonly string[],
  strategy?: Strategy,
  fromOutside: readonly string[] = [],
): Readonly<Record<string, string>> {
  const own = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
  return {
    'materialise.py': own('materialise.py'),
    'launch.py': own('launch.py'),
    ...(fromOutside.length > 0 && { 'outside.py': own('outside.py') }),
    'bot.json': `${JSON.stringify(botSettings(keys, strategy, fromOutside), undefined, 1)}\n`,
    ...Object.fromEntries(filesOf(strategy).map(({ name, content }) => [name, content])),
  };
}

function filesOf(strategy?: Strategy): readonly StrategyFile[] {
  if (strategy === undefined) return [];
  const { config, script, controllers } = strategy;
  return [config, ...(script ? [script] : []), ...controllers];
}

/** The script of a strategy, which must lie in a folder that the container cannot write. */
export function scriptPath(strategy?: Strategy): string | undefined {
  return strategy?.script && `${home}/scripts/${strategy.script.name}`;
}

/** What materialise.py and launch.py read: the catalog's part of it is written nowhere else. */
export function botSettings(
  keys: readonly string[],
  strategy?: Strategy,
  fromOutside: readonly string[] = [],
): object {
  const has = (key: SecretKey): boolean => keys.includes(key);
  return {
    connectors: exchangeNames.flatMap((name) => {
      const { connector, plainFields }: Exchange = exchanges[name];
      const secrets = secretKeys.flatMap((key) => {
        const { usedWith, field } = entryOf(key);
        if (usedWith !== name || field === undefined || !has(key)) return [];
        return [{ field, ...readingOf(key) }];
      });
      return secrets.length === 0
        ? []
        : [{ exchange: name, connector, secrets, plain: plainFields }];
    }),
    keystore: has(keystoreKey) ? readingOf(keystoreKey) : null,
    strategy: strategy
      ? {
          type: strategy.type,
          config: strategy.config.name,
          option: engineOptions[strategy.type],
        }
      : null,
    files: strategy
      ? {
          [strategy.config.name]: `${configFolders[strategy.type]}/${strategy.config.name}`,
          ...Object.fromEntries(
            strategy.controllers.map(({ name }) => [name, `conf/controllers/${name}`]),
          ),
        }
      : {},
    ...(fromOutside.length > 0 && { outside: { keys: fromOutside, lookSeconds, stopSeconds } }),
  };
}

/** How to find one secret, and what it must look like. */
function readingOf(key: SecretKey): object {
  const { shape }: CatalogEntry = entryOf(key);
  const { allowed, multiline, pattern } = ruleOf(shape);
  return {
    key,
    variable: environmentName(key),
    allowed,
    multiline,
    // Python's fullmatch has its own anchors.
    pattern: pattern.source.replace(/^\^|\$$/gu, ''),
    maxBytes: maxValueBytes,
  };
}
