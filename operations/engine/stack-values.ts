/**
 * The values of a stack, where its passphrase opens them: in this process, without a Pulumi, and in
 * its memory alone. Of a stack that a key service or Pulumi Cloud encrypts, and without the
 * passphrase, there is nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPair, isScalar, parseDocument, visit } from 'yaml';
import { mayBeValue } from '../../settings/mistake.ts';
import { encryptionOf, opens, readPassphrase, saltOfState } from './passphrase.ts';
import { type Opener, openerOf } from './sealed-text.ts';
import { passwordNameOf } from './state-passwords.ts';
import { ownPassphrase, projectDirectory, projectName, stateFile, workspace } from './workspace.ts';

/** How Pulumi marks a secret in its state. */
const signature = '4dabf18193072939515e22adb298388d';

interface State {
  readonly checkpoint?: {
    readonly latest?: {
      readonly resources?: readonly {
        readonly urn: string;
        readonly outputs?: { readonly result?: Readonly<Record<string, string>> };
      }[];
    };
  };
}

/**
 * @param stackFile text of the stack file
 * @returns by name: `trading.binance_api_key`, `infrastructure-postgres_password` for what is generated,
 *   `passphrase`; empty where nothing opens
 */
export function stackValues(stack: string, stackFile: string): ReadonlyMap<string, string> {
  const passphrase = usablePassphrase();
  if (passphrase === undefined) return new Map();
  const { salt, provider } = encryptionOf(stackFile);
  const sealed = provider === '' ? openSalt(passphrase, salt) : undefined;
  const state = workspace.embedded ? openSalt(passphrase, saltOfState(stack)) : undefined;
  if (sealed === undefined && state === undefined) return new Map();
  return new Map([
    ['passphrase', passphrase],
    ...(sealed === undefined ? [] : configValues(stackFile, sealed)),
    ...(state === undefined ? [] : generatedValues(stack, state)),
  ]);
}

/**
 * Those values that output must not show: all but plain words that the project's own files show, such
 * as `hummingbot` for the name of a database.
 * @param path of the stack file, as it is now
 */
export function hiddenValues(stack: string, path: string): ReadonlyMap<string, string> {
  if (!existsSync(path)) return new Map();
  const stackFile = readFileSync(path, 'utf8');
  const open = `${stackFile}\n${readFileSync(join(projectDirectory, 'Pulumi.yaml'), 'utf8')}`;
  const hidden = [...stackValues(stack, stackFile)].filter(
    ([, value]) => mayBeValue(value) || !open.includes(value),
  );
  return new Map(hidden);
}

function usablePassphrase(): string | undefined {
  try {
    if (!ownPassphrase() && !(workspace.embedded && existsSync(workspace.passphrase)))
      return undefined;
    return readPassphrase();
  } catch {
    // A file that is not there: the run itself says so.
    return undefined;
  }
}

function openSalt(passphrase: string, salt: string): Opener | undefined {
  const [version, start] = salt.split(':');
  if (version !== 'v1' || start === undefined || !opens(passphrase, salt)) return undefined;
  return openerOf(passphrase, start);
}

/** Whatever is encrypted in a stack file, by its path without the project's name. */
function configValues(stackFile: string, open: Opener): readonly (readonly [string, string])[] {
  const values: (readonly [string, string])[] = [];
  visit(parseDocument(stackFile), {
    Pair(_, { key, value }, above) {
      if (!isScalar(key) || key.value !== 'secure' || !isScalar(value)) return;
      const names = above.flatMap((node) =>
        isPair(node) && isScalar(node.key) ? [String(node.key.value)] : [],
      );
      const text = open(String(value.value));
      const name = names.slice(1).join('.').replace(`${projectName}:`, '');
      if (text !== undefined) values.push([name, text]);
    },
  });
  return values;
}

/** Of the state the generated passwords alone: files and whole groups are made of the others. */
function generatedValues(stack: string, open: Opener): readonly (readonly [string, string])[] {
  const { checkpoint } = JSON.parse(readFileSync(stateFile(stack), 'utf8')) as State;
  return (checkpoint?.latest?.resources ?? []).flatMap(({ urn, outputs }) => {
    const name = passwordNameOf(urn);
    const { ciphertext } = outputs?.result ?? {};
    if (name === undefined || ciphertext === undefined || !(signature in (outputs?.result ?? {}))) {
      return [];
    }
    const json = open(ciphertext);
    return json === undefined ? [] : [[name, String(JSON.parse(json))] as const];
  });
}
