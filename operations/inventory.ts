/**
 * `npm run inventory -- --stack NAME`: every secret of a stack with its owner, its source, where it
 * is, who uses it and who may read it, how old it is and when it is due. It asks the systems
 * themselves, changes nothing and shows no value (docs/inventory.md).
 */
import { resolve } from 'node:path';
import { takeCensus } from './census/census.ts';
import { openConfig } from './doctor/config.ts';
import { refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { prepareEngine } from './engine/engine.ts';
import { writeWhole } from './engine/private-file.ts';
import { type Inventory, inventoryOf, summaryOf } from './inventory/inventory.ts';
import { page } from './inventory/page.ts';
import { type Format, parseRequest, usage } from './inventory/request.ts';
import { printed } from './inventory/table.ts';
import { csv, json, markdown } from './inventory/text-forms.ts';
import { loadLedger } from './rotation/files.ts';

const terminalWidth = 80;
/** Something could not be asked. */
const unasked = 2;

const forms: Readonly<Record<Format, (inventory: Inventory) => string>> = {
  table: (inventory) => `${printed(inventory, process.stdout.columns ?? terminalWidth)}\n`,
  markdown,
  json,
  csv,
  html: page,
};

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(
      `${usage}\nexit code 0: done; 1: refused; ${unasked}: something could not be asked (docs/inventory.md)`,
    );
    return 0;
  }
  refuseSwallowedFlags('npm run inventory --', ['format', 'out']);
  const { stack, format, out } = parseRequest(words);
  const engine = await prepareEngine(stack, { lock: false });
  const census = await takeCensus(engine, await openConfig(engine), { readers: true });
  const inventory = inventoryOf(census, loadLedger(stack), new Date());
  const text = forms[format](inventory);
  if (out === undefined) {
    process.stdout.write(text);
  } else {
    // It names everything that is worth stealing.
    writeWhole(placeOf(out), text);
    console.log(`${out}: ${summaryOf(inventory)}.`);
  }
  return inventory.unasked.length === 0 ? 0 : unasked;
}

/** npm runs scripts in the package's folder; a user's path is relative to where npm was called. */
function placeOf(file: string): string {
  const { INIT_CWD: place, npm_lifecycle_event: script } = process.env;
  return place === undefined || script !== 'inventory' ? resolve(file) : resolve(place, file);
}

if (import.meta.main) await runCommand(main);
