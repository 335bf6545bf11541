/** The journal and the ledger of a stack, as files. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { CommandError } from '../engine/command-error.ts';
import { writeDurably } from '../engine/private-file.ts';
import { projectDirectory, workspace } from '../engine/workspace.ts';
import { emptyJournal, type Journal, parseJournal } from './journal.ts';
import { isWritten, type Ledger, type LedgerRecord, lineOf, readLedger } from './ledger.ts';

export function journalPath(stack: string): string {
  return join(workspace.rotations, `${stack}.json`);
}

export function ledgerPath(stack: string): string {
  return join(workspace.ledgers, `${stack}.jsonl`);
}

/** As a person names it. */
export function ledgerName(stack: string): string {
  return relative(projectDirectory, ledgerPath(stack));
}

/** @throws CommandError for a file that is no journal: it may hold what nobody else has */
export function loadJournal(stack: string): Journal {
  const path = journalPath(stack);
  if (!existsSync(path)) return emptyJournal;
  try {
    return parseJournal(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const shown = relative(projectDirectory, path);
    throw new CommandError(
      `${shown}: got no journal of a rotation; allowed: what npm run rotate writes; fix: restore it from your backup, or move it away and give up what was begun`,
    );
  }
}

/** Of who has the stack to himself. */
export function storeJournal(stack: string, journal: Journal): void {
  const path = journalPath(stack);
  removeHalfWritten(path);
  writeDurably(path, `${JSON.stringify(journal, undefined, 2)}\n`);
}

/** @throws CommandError that names the first line which is not as it was written */
export function loadLedger(stack: string): Ledger {
  const path = ledgerPath(stack);
  const ledger = readLedger(existsSync(path) ? readFileSync(path, 'utf8') : '');
  if ('entries' in ledger) return ledger;
  const shown = relative(projectDirectory, path);
  throw new CommandError(
    `${shown} line ${ledger.line}: got ${ledger.got}; allowed: the lines that npm run rotate wrote, in their order; fix: git log -p ${shown} shows who changed it; put that line back`,
  );
}

/** Adds a record, unless it is there. */
export function storeRecord(stack: string, record: LedgerRecord): void {
  const ledger = loadLedger(stack);
  if (isWritten(ledger, record)) return;
  const path = ledgerPath(stack);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  removeHalfWritten(path);
  // Whole, so that a kill leaves no half line; whoever has the tree may read it.
  writeDurably(path, text + lineOf(record, ledger), 0o644);
}

/** What a kill has left beside a file. */
function removeHalfWritten(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp')) {
      rmSync(join(folder, name), { force: true });
    }
  }
}
