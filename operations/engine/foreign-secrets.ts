/**
 * What of a committed stack file this machine cannot open. With the embedded backend each machine
 * has a passphrase of its own, so that encrypted values of another one are of no use here.
 */
import { isCollection, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { isOrdinary, setSecretCommand, shown } from '../../settings/mistake.ts';
import { encryptionOf } from './passphrase.ts';
import { projectName } from './workspace.ts';

export interface Own {
  /** The stack file without what cannot be opened. */
  readonly text: string;
  /** Paths of the values that were left out, as `pulumi config set --path` takes them. */
  readonly dropped: readonly string[];
  /** Whether a salt or a secrets provider was left out. */
  readonly foreign: boolean;
}

/**
 * Leaves out salt, key, secrets provider and encrypted values of another machine.
 * @param isOwn whether this machine opens what was encrypted with a salt
 */
export function withoutForeign(stackFile: string, isOwn: (salt: string) => boolean): Own {
  const document = parseDocument(stackFile);
  const { salt, provider } = encryptionOf(stackFile);
  const unchanged = { text: stackFile, dropped: [], foreign: false };
  // What is not YAML is refused where it is read next.
  if (document.errors.length > 0 || !isMap(document.contents)) return unchanged;
  if (salt !== '' && provider === '' && isOwn(salt)) return unchanged;
  const names = ['encryptionsalt', 'encryptedkey', 'secretsprovider'];
  const gone = names.filter((name) => document.delete(name));
  const dropped = remove(document.get('config'), '');
  if (gone.length === 0 && dropped.length === 0) return unchanged;
  return { text: document.toString(), dropped, foreign: gone.length > 0 };
}

/** Removes encrypted values, and what is empty without them. @returns their paths */
function remove(node: unknown, path: string): readonly string[] {
  if (!isMap(node) && !isSeq(node)) return [];
  const gone: string[] = [];
  const entries: (readonly [string | number, unknown])[] = isMap(node)
    ? node.items.map(({ key, value }) => [String(isScalar(key) ? key.value : key), value])
    : node.items.map((item, index) => [index, item]);
  // From the end, so that the places of those before stay the same.
  for (const [key, value] of entries.toReversed()) {
    const at = pathOf(path, key);
    const below = isEncrypted(value) ? [at] : remove(value, at);
    gone.unshift(...below);
    if (below.length > 0 && (isEncrypted(value) || isEmpty(value))) node.delete(key);
  }
  return gone;
}

/** `secure: ...`, the form in which Pulumi writes what is encrypted. */
function isEncrypted(node: unknown): boolean {
  return isMap(node) && node.items.length === 1 && typeof node.get('secure') === 'string';
}

function isEmpty(node: unknown): boolean {
  return isCollection(node) && node.items.length === 0;
}

function pathOf(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  if (parent !== '') return /^[\w-]+$/u.test(key) ? `${parent}.${key}` : `${parent}["${key}"]`;
  return key.startsWith(`${projectName}:`) ? key.slice(projectName.length + 1) : key;
}

/** What stands between two signs of a path; nothing, behind a `]`. */
function isOrdinaryOrNone(part: string): boolean {
  return part === '' || isOrdinary(part);
}

/** What to tell of values that were left out: a line, then the command that sets each again. */
export function droppedLines(stack: string, { dropped, foreign }: Own): readonly string[] {
  const file = `Pulumi.${stack}.yaml`;
  if (dropped.length === 0) {
    return foreign ? [`- ${file} names another passphrase or key; this machine has its own`] : [];
  }
  const what = dropped.length === 1 ? '1 value' : `${dropped.length} values`;
  return [
    `- ${file} has ${what} that this machine cannot open; left out here, set again by:`,
    ...dropped.map((path) =>
      /^[\w.:[\]-]+$/u.test(path) && path.split(/[.:[\]]/u).every(isOrdinaryOrNone)
        ? `    ${setSecretCommand(stack, path)}`
        : `    (a name that no command line takes: ${shown(path)})`,
    ),
  ];
}
