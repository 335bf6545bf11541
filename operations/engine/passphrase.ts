/**
 * The passphrase that encrypts values and state: the user's own, named by Pulumi's variables, or,
 * with the embedded backend, one that is made in `.local`.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { CommandError } from './command-error.ts';
import { openerOf } from './sealed-text.ts';
import { ownPassphrase, stateFile, workspace } from './workspace.ts';

/** How a stack file says that its values are encrypted; empty texts where it says nothing. */
export interface Encryption {
  /** Salt and a known word, by which Pulumi knows a right passphrase: `v1:SALT:v1:NONCE:TEXT`. */
  readonly salt: string;
  /** Address of a key service such as `awskms://...`; then no passphrase is needed. */
  readonly provider: string;
}

export function encryptionOf(stackFile: string): Encryption {
  const document = parseDocument(stackFile);
  const text = (name: string): string => String(document.get(name) ?? '');
  const provider = text('secretsprovider');
  return {
    salt: text('encryptionsalt'),
    provider: ['default', 'passphrase'].includes(provider) ? '' : provider,
  };
}

const variables = 'PULUMI_CONFIG_PASSPHRASE_FILE or PULUMI_CONFIG_PASSPHRASE';

/**
 * Refuses a backend of the user's own for which they have no passphrase of their own: a generated
 * one would end up as a salt in a file that others share, and open it on this machine alone.
 * @throws CommandError with one line; nothing was written
 */
export function requirePassphrase(stack: string, stackFile: string): void {
  if (workspace.embedded || ownPassphrase()) return;
  const { salt, provider } = encryptionOf(stackFile);
  // Pulumi Cloud keeps the keys itself, unless the stack was made with a passphrase.
  const cloud = /^https?:/u.test(process.env.PULUMI_BACKEND_URL ?? '') && salt === '';
  if (cloud || provider !== '') return;
  throw new CommandError(
    `PULUMI_BACKEND_URL: got a backend of your own and no passphrase for stack ${stack}; ` +
      `allowed: ${variables}, or a secretsprovider in Pulumi.${stack}.yaml; ` +
      'fix: export PULUMI_CONFIG_PASSPHRASE_FILE=FILE',
  );
}

/**
 * Makes the passphrase of this machine, unless there is one.
 * @throws CommandError when something is encrypted with one that is gone
 */
export function preparePassphrase(): void {
  if (!workspace.embedded || ownPassphrase() || existsSync(workspace.passphrase)) return;
  const lost = encryptedBefore();
  if (lost !== undefined) {
    throw new CommandError(
      `.local/passphrase: got no file, though ${lost} is encrypted with it; ` +
        `allowed: the file, or ${variables}; fix: restore it from your backup, or ${anew}`,
    );
  }
  const temporary = `${workspace.passphrase}.${process.pid}`;
  // Of an earlier process that had this one's pid, as in a container.
  rmSync(temporary, { force: true });
  writeFileSync(temporary, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  // A link fails when another run was faster; then its passphrase is the one.
  try {
    linkSync(temporary, workspace.passphrase);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The way without the old passphrase; delivered files are written over by the next start. */
const anew = 'start anew, without the old values: rm -r .local/state .local/stacks';

/** Which of this machine's things is encrypted already. */
function encryptedBefore(): string | undefined {
  if (existsSync(dirname(stateFile('any')))) return '.local/state';
  const copies = readdirSync(workspace.stacks).filter((name) =>
    /^Pulumi\.[^.]+\.yaml$/u.test(name),
  );
  const salted = copies.find(
    (name) => encryptionOf(readFileSync(join(workspace.stacks, name), 'utf8')).salt !== '',
  );
  return salted === undefined ? undefined : `.local/stacks/${salted}`;
}

/** The passphrase, as Pulumi reads it: the variable before the file, of a file all but its ends. */
export function readPassphrase(): string {
  const { PULUMI_CONFIG_PASSPHRASE: word, PULUMI_CONFIG_PASSPHRASE_FILE: file } = process.env;
  if (word !== undefined) return word;
  const path = file || workspace.passphrase;
  return readFileSync(path, 'utf8').trim();
}

/**
 * Whether a passphrase is the one that a salt was made with: Pulumi's own question, which opens a
 * known word. About 0.2 s.
 */
export function opens(passphrase: string, salt: string): boolean {
  const [version, start, ...word] = salt.split(':');
  // Another form than today's is for Pulumi itself to judge.
  if (version !== 'v1' || start === undefined || word.length < 3) return true;
  return openerOf(passphrase, start)(word.join(':')) === 'pulumi';
}

/**
 * Refuses a passphrase that does not open the stack, before the engine does so without a remedy.
 * @param stackFile text of the stack file that the run uses
 * @throws CommandError with one line
 */
export function refuseWrongPassphrase(stack: string, stackFile: string): void {
  const { salt, provider } = encryptionOf(stackFile);
  const ofFile = provider === '' && (workspace.embedded || ownPassphrase()) ? salt : '';
  const salts = new Set([ofFile, workspace.embedded ? saltOfState(stack) : '']);
  salts.delete('');
  if (salts.size === 0) return;
  const passphrase = readPassphrase();
  if ([...salts].every((each) => opens(passphrase, each))) return;
  const { PULUMI_CONFIG_PASSPHRASE: word } = process.env;
  const named = word === undefined ? 'PULUMI_CONFIG_PASSPHRASE_FILE' : 'PULUMI_CONFIG_PASSPHRASE';
  const what = ownPassphrase() ? named : '.local/passphrase';
  const generated = existsSync(workspace.passphrase) ? `unset ${named}` : `set the right one`;
  const restore = ownPassphrase() ? generated : 'restore the file from your backup';
  const fix = workspace.embedded ? `${restore}, or ${anew}` : 'set the right one';
  throw new CommandError(
    `${what}: got another passphrase than the one that encrypted stack ${stack}; ` +
      `allowed: that one; fix: ${fix}`,
  );
}

/** Salt of the embedded backend's state of a stack; empty when there is none. */
export function saltOfState(stack: string): string {
  try {
    const { checkpoint } = JSON.parse(readFileSync(stateFile(stack), 'utf8'));
    const { type, state } = checkpoint?.latest?.secrets_providers ?? {};
    return type === 'passphrase' ? String(state?.salt ?? '') : '';
  } catch {
    // None, or one that Pulumi itself will have a word on.
    return '';
  }
}
