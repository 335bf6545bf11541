/**
 * `npm run rotate -- --stack NAME WORD`: puts a new value in the place of an old one, everywhere, in
 * the guide's six steps. It can be killed anywhere and resumed, takes the old value back when a roll
 * out fails, and writes down what it did (docs/rotation.md).
 */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { base32 } from '@scure/base';
import { entryOf, type SecretKey } from '../components/catalog.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';
import { Turn } from './engine/turn.ts';
import { author } from './rotation/author.ts';
import { drive } from './rotation/drive.ts';
import { botsOf, emergencyOf, isOfBot, stopAtOnce } from './rotation/emergency.ts';
import {
  ledgerName,
  loadJournal,
  loadLedger,
  storeJournal,
  storeRecord,
} from './rotation/files.ts';
import { givenValues } from './rotation/given-values.ts';
import { hookOf } from './rotation/hooks.ts';
import { type Journal, keptOf, without } from './rotation/journal.ts';
import { cutOffLine, lastBefore } from './rotation/last-entry.ts';
import { dueItems, type Ledger, lastRotated, openItems } from './rotation/ledger.ts';
import { metricsOf } from './rotation/metrics.ts';
import { NewValues } from './rotation/new-values.ts';
import { openLine } from './rotation/open-lines.ts';
import { OwnHands } from './rotation/own-hands.ts';
import { dueRevocations, revokeDue } from './rotation/pending.ts';
import { Interrupted } from './rotation/prompt.ts';
import { confirmationOf } from './rotation/record.ts';
import { parseRequest, type Request, usage } from './rotation/request.ts';
import { OwnRevokingHands } from './rotation/revoking-hands.ts';
import { aborted, holdsValues, type Rotation, resumed, superseded } from './rotation/rotation.ts';
import { composeBot, noRight } from './rotation/running-bot.ts';
import { isSet, rotatableOf, type Scope, scopeLines, scopeOf, tagOf } from './rotation/scope.ts';
import { SealedConfig } from './rotation/sealed-config.ts';
import { allOf, dueOf, pathOf, select } from './rotation/selection.ts';
import { StateValues } from './rotation/state-values.ts';
import { type Beginning, begun, confirmable, wayBack } from './rotation/way-back.ts';

/** Something waits for a person. */
const waiting = 2;
const interrupted = 130;

async function main(): Promise<number> {
  const given = process.argv.slice(2);
  if (given.includes('--help') || given.includes('-h')) {
    console.log(
      `${usage}\nexit code 0: done; 1: refused, or the old value was taken back; ${waiting}: something waits for a person; ${interrupted}: interrupted (docs/rotation.md)`,
    );
    return 0;
  }
  const flags = [
    'plan',
    'due',
    'from-file',
    'skip-check',
    'why',
    'resume',
    'abort',
    'back',
    'revoke',
    'confirm',
    'metrics',
    'compromised',
    'even-if-running',
    'start-bot',
  ];
  refuseSwallowedFlags('npm run rotate --', flags);
  const request = parseRequest(given);
  const { stack, act, plan } = request;
  if (act === 'metrics') return await printMetrics(stack);
  const engine = await prepareEngine(stack, { lock: !plan, program: true });
  // With a backend of one's own too: the journal is this machine's.
  if (!plan) await Turn.take(stack);
  if (act === 'confirm') return confirm(request, loadLedger(stack));
  const scope = await scopeOf(engine);
  const { compromised, which } = request;
  const before = loadJournal(stack);
  // An emergency waits for nothing, nor does its end.
  const goesOn = act === 'resume' || act === 'abort';
  const { current: held } = before;
  const urgent = compromised || (goesOn && (held?.next ?? held)?.emergency !== undefined);
  const known = await ledgerOf(scope, request);
  const cutOff = cutOffLine(stack, scope.outputs.tags, before, known);
  // Another checkout may have that line.
  if (cutOff !== undefined && !urgent) throw new CommandError(cutOff);
  if (cutOff !== undefined) console.error(cutOff);
  const isNew = act === 'rotate' || act === 'back';
  // A wrong word changes nothing, nor does one that has to wait; a schedule revokes all the same.
  const keys = isNew ? chosen(scope, request, known) : [];
  const mayWait = isNew && !plan && !compromised;
  if (mayWait && which !== 'due') refuseUnfinished(stack, before);
  // Who goes back or gives up may be about to use an old credential again.
  if (!plan && !urgent && act !== 'back' && act !== 'abort') {
    const done = await revokePending(engine, scope);
    if (act === 'revoke') return afterRevoking(stack, done);
  }
  const ledger = loadLedger(stack);
  if (goesOn) return await goOn(engine, scope, request);
  if (keys.length === 0) {
    console.log(`Nothing of stack ${stack} is due.`);
    return 0;
  }
  const journal = loadJournal(stack);
  if (mayWait) refuseUnfinished(stack, journal);
  console.log('1 of 6  scope');
  for (const line of scopeLines(scope, keys, ledger)) console.log(line);
  const bots = compromised ? await botsOf(scope, request, keys) : [];
  if (plan) return 0;
  if (compromised) return await replace(engine, scope, request, journal, { keys, bots });
  if (act === 'back') return await back(engine, scope, request, { journal, ledger }, keys);
  const [own, others] = withoutPeople(keys, request);
  if (own.length > 0) {
    const rotated = own.map((key) => ({ path: pathOf(key), old: null, oldTag: '', worth: false }));
    const start = {
      ...beginning(scope, request, own),
      ...begun,
      kind: 'rotate',
      due: 'value',
    } as const;
    const code = await run(engine, scope, request, journal, { ...start, keys: rotated });
    if (code !== 0) return code;
  }
  for (const key of others) {
    console.log(`waits for a person: npm run rotate -- --stack ${stack} ${pathOf(key)}`);
  }
  return others.length > 0 ? waiting : 0;
}

/** Opens nothing: ages are in the ledger, and which keys there are, in the stack file. */
async function printMetrics(stack: string): Promise<number> {
  const { settings } = await prepareEngine(stack, { lock: false });
  const keys = allOf(rotatableOf(stack, settings, (key) => isSet(settings, key)));
  process.stdout.write(metricsOf(stack, keys, loadJournal(stack), loadLedger(stack)));
  return 0;
}

/** @returns whether nothing was left that it could have done */
async function revokePending(engine: Engine, scope: Scope): Promise<boolean> {
  const { stack } = engine;
  const now = new Date().toISOString();
  const due = dueRevocations(loadJournal(stack), loadLedger(stack), now);
  return await revokeDue(due, new OwnRevokingHands(engine, scope));
}

function afterRevoking(stack: string, done: boolean): number {
  const ledger = loadLedger(stack);
  const now = new Date().toISOString();
  const open = openItems(ledger);
  const again = `npm run rotate -- --stack ${stack}`;
  for (const item of open) console.log(openLine(item, now, again));
  if (open.length === 0) console.log(`Nothing of stack ${stack} is left to be revoked.`);
  if (!done) return 1;
  return dueItems(ledger, now).length > 0 ? waiting : 0;
}

function chosen(scope: Scope, { which, words }: Request, ledger: Ledger): readonly SecretKey[] {
  if (which === 'words') return select(words, scope);
  const all = allOf(scope);
  return which === 'all' ? all : dueOf(all, lastRotated(ledger), new Date().toISOString());
}

/** A schedule has no terminal: it rotates what is made anew, and names what a person has to give. */
function withoutPeople(
  keys: readonly SecretKey[],
  { which, file }: Request,
): readonly [readonly SecretKey[], readonly SecretKey[]] {
  if (which !== 'due' || process.stdin.isTTY || file !== undefined) return [keys, []];
  const isMade = (key: SecretKey): boolean => entryOf(key).source === 'generated';
  return [keys.filter(isMade), keys.filter((key) => !isMade(key))];
}

/** @param bansAbort whether it would start a bot with what is compromised */
function refuseUnfinished(stack: string, { current }: Journal, bansAbort = false): void {
  if (current === undefined || !holdsValues(current)) return;
  const { keys, due, emergency } = current.next ?? current;
  const paths = keys.map(({ path }) => path);
  const again = `npm run rotate -- --stack ${stack}`;
  const other =
    emergency === undefined ? 'or --abort' : `or ${again} --compromised ${paths.join(' ')} OTHERS`;
  const then = bansAbort ? 'then the same command' : other;
  throw new CommandError(
    `stack ${stack}: got a rotation of ${paths.join(', ')} that is not over (${due}); allowed: one at a time; fix: ${again} --resume, ${then}`,
  );
}

/** Bots first; what they are to run with, a person may not have at hand yet. */
async function replace(
  engine: Engine,
  scope: Scope,
  request: Request,
  before: Journal,
  { keys, bots }: { readonly keys: readonly SecretKey[]; readonly bots: readonly string[] },
): Promise<number> {
  const wanted = emergencyOf(scope, keys, bots, beginning(scope, request, keys));
  const first = before.current && superseded(before.current, wanted);
  if (first === undefined && before.current !== undefined && holdsValues(before.current)) {
    // In the middle of a roll out, which has to be ended first: without a bot meanwhile.
    if (bots.length > 0) await stopAtOnce(scope);
    refuseUnfinished(request.stack, before, before.current.emergency === undefined);
  }
  return await run(engine, scope, request, before, first ?? wanted);
}

/** @throws CommandError for one that was changed; the bots of an emergency are stopped by then */
async function ledgerOf(scope: Scope, request: Request): Promise<Ledger> {
  const { stack, compromised, plan } = request;
  try {
    return loadLedger(stack);
  } catch (error) {
    if (compromised && !plan) {
      const keys = chosen(scope, request, { entries: [], heads: [] });
      if (keys.some((key) => isOfBot(key))) await stopAtOnce(scope);
    }
    throw error;
  }
}

/** @throws CommandError where a hook would revoke what a bot may still have, and nobody can ask whether it runs */
function beginning(
  { outputs, settings }: Scope,
  { why, stack, compromised }: Request,
  keys: readonly SecretKey[],
): Beginning {
  const id = base32.encode(randomBytes(5)).slice(0, 6).toLowerCase();
  const targets = Object.keys(outputs.delivered);
  const before = lastBefore(settings);
  const common = { id, begun: new Date().toISOString(), who: author(), why, targets, before };
  // Who stops bots has looked for them.
  if (compromised) return common;
  const { running, silent } = composeBot(outputs.delivered);
  if (running !== undefined) return { ...common, ran: [running.target] };
  if (silent === undefined) return common;
  const hooked = keys.filter((key) => isOfBot(key) && hookOf(settings, 'revoke', key));
  // One that runs would keep the old values, and nobody would know before they are revoked.
  if (silent === noRight && hooked.length > 0) {
    throw new CommandError(
      `docker: got ${silent}, by which a bot may keep ${hooked.map(pathOf).join(', ')}, which a hook revokes; allowed: an engine that says whether the bot runs; fix: npm run rotate -- --stack ${stack} as a user who may (docker info says so)`,
    );
  }
  console.log(
    `  docker: ${silent}, so no bot of it is started anew: one that runs needs it by hand`,
  );
  return common;
}

async function goOn(engine: Engine, scope: Scope, request: Request): Promise<number> {
  const { act, stack } = request;
  const journal = loadJournal(stack);
  const { current } = journal;
  if (current === undefined || (act === 'abort' && !holdsValues(current))) {
    if (current !== undefined) storeJournal(stack, { kept: journal.kept });
    console.log(`No rotation of stack ${stack} is under way.`);
    return 0;
  }
  const next = act === 'resume' ? resumed(current) : aborted(current);
  if (act === 'abort' && next?.emergency !== undefined && !request.startBot) {
    throw new CommandError(
      `stack ${stack}: got a rotation of compromised keys, without which the bot stays stopped; allowed: --resume; fix: npm run rotate -- --stack ${stack} --resume, or --abort --start-bot, which starts it with what is compromised`,
    );
  }
  if (next === undefined) {
    throw new CommandError(
      `stack ${stack}: got a rotation whose new value is in every place; allowed: --resume; fix: npm run rotate -- --stack ${stack} --resume, then --back ${current.keys.map(({ path }) => path).join(' ')}`,
    );
  }
  return await run(engine, scope, request, journal, next);
}

async function back(
  engine: Engine,
  scope: Scope,
  request: Request,
  { journal, ledger }: { readonly journal: Journal; readonly ledger: Ledger },
  keys: readonly SecretKey[],
): Promise<number> {
  const { stack } = request;
  const paths = keys.map(pathOf);
  const tags = await tagsOf(engine, scope, journal, paths);
  const way = wayBack(journal, ledger, paths, beginning(scope, request, keys), tags);
  if (way === undefined) {
    throw new CommandError(
      `${paths.join(', ')}: got no old value to go back to; allowed: keys that were rotated together on this machine, and whose old credential nobody has confirmed as revoked and nobody else may have; fix: npm run rotate -- --stack ${stack} ${request.words.join(' ')}, with a new value`,
    );
  }
  return await run(engine, scope, request, journal, way);
}

/** Tags of the values that are delivered now and of those before them, by path. */
async function tagsOf(
  engine: Engine,
  { outputs }: Scope,
  journal: Journal,
  paths: readonly string[],
): Promise<ReadonlyMap<string, { readonly oldTag: string; readonly newTag: string }>> {
  const olds = (keptOf(journal, paths)?.keys ?? []).flatMap(({ path, old }) =>
    old === null ? [] : [[path, old] as const],
  );
  if (olds.length === 0) return new Map();
  const state = await StateValues.of(engine);
  const opened = await new SealedConfig(engine).open(new Map(olds));
  return new Map(
    [...opened].map(([path, value]) => [
      path,
      { oldTag: tagOf(outputs, path) ?? '', newTag: state.tagOf(path, value) },
    ]),
  );
}

/** Drives a rotation as far as it goes. @returns the exit code */
async function run(
  engine: Engine,
  scope: Scope,
  request: Request,
  journal: Journal,
  current: Rotation,
): Promise<number> {
  const { stack, skipCheck, evenIfRunning, file } = request;
  const { emergency, keys } = current.next ?? current;
  const words = emergency === undefined ? keys.map(({ path }) => path).join(' ') : '--resume';
  const command = `npm run rotate -- --stack ${stack} ${words}`;
  const config = new SealedConfig(engine);
  const hands = new OwnHands({
    engine,
    config,
    scope,
    newValues: new NewValues(engine, config, scope, command),
    give: async (keys) => await givenValues({ stack, keys, file: placeOf(file), command }),
    skipCheck,
    evenIfRunning,
  });
  try {
    const end = await drive({ ...journal, current }, hands);
    return ended(stack, end, hands.wasInterrupted);
  } catch (error) {
    const left = loadJournal(stack);
    // Nobody resumes what has no value yet.
    if (left.current !== undefined && !holdsValues(left.current))
      storeJournal(stack, { kept: left.kept });
    if (!(error instanceof Interrupted)) throw error;
    console.error(
      left.current?.emergency === undefined
        ? 'interrupted; nothing was changed'
        : `interrupted; the bot stays stopped: npm run rotate -- --stack ${stack} --resume asks once more`,
    );
    return interrupted;
  }
}

/** npm runs scripts in the package's folder; a user's path is relative to where npm was called. */
function placeOf(file: string | undefined): string | undefined {
  const { INIT_CWD: place, npm_lifecycle_event: script } = process.env;
  return file === undefined || place === undefined || script !== 'rotate'
    ? file
    : resolve(place, file);
}

/** The last lines of a run, and its exit code. */
function ended(stack: string, { current }: Journal, wasInterrupted: boolean): number {
  const again = `npm run rotate -- --stack ${stack}`;
  if (current === undefined) {
    const now = new Date().toISOString();
    for (const item of openItems(loadLedger(stack))) console.log(openLine(item, now, again));
    console.log(`Recorded in ${ledgerName(stack)}, which belongs into git.`);
    return 0;
  }
  const paths = current.keys.map(({ path }) => path).join(', ');
  const failure = wasInterrupted ? interrupted : 1;
  if (current.due === 'taken back') {
    const { foreign = [] } = current;
    if (foreign.length > 0) {
      console.error(`${foreign.join(', ')}: got a third value, set meanwhile, which stays`);
    }
    console.error(
      `${paths}: the roll out failed, and the old value is back in every place; the new one is kept: mend what its errors say, then ${again} --resume, or ${again} --abort`,
    );
    return 1;
  }
  if (current.due === 'held') {
    console.error(
      `${paths}: the roll out failed; the new value is kept, and no bot gets the compromised one: mend what its errors say, then ${again} --resume (docs/emergency.md)`,
    );
    return 1;
  }
  if (current.due === 'start') {
    console.error(`${paths}: the bot is not started; ${again} --resume tries once more`);
    return failure;
  }
  if (current.due === 'take back') {
    const ways =
      current.goal === 'old'
        ? `${again} --resume goes on`
        : `${again} --resume, which brings the new one once the old one is back everywhere, or --abort, which gives the new one up`;
    console.error(
      `${paths}: the old value is set, and not in every place yet; what is done is kept: mend what its errors say, then ${ways}`,
    );
    return failure;
  }
  const other =
    current.emergency === undefined ? `, ${again} --abort takes the old value back` : '';
  console.error(
    `${paths}: the new value is set, and not in every place yet; what is done is kept: ${again} --resume goes on${other}`,
  );
  return failure;
}

function confirm({ stack, item, why }: Request, ledger: Ledger): number {
  const journal = loadJournal(stack);
  const found = confirmable(journal, ledger, item);
  if (found === undefined) {
    // Cut off between the two files by a kill: the ledger has it.
    if (ledger.entries.some(({ confirms }) => confirms === item)) {
      storeJournal(stack, without(journal, [item]));
      console.log(`${item} was confirmed before.`);
      return 0;
    }
    const open = openItems(ledger).map(({ id, key }) => `${id} (${key})`);
    throw new CommandError(
      `--confirm: got no open item; allowed: ${open.join(', ') || 'none is open'}; fix: npm run rotate -- --stack ${stack} --confirm ID`,
    );
  }
  const record = { at: new Date().toISOString(), who: author(), why };
  storeRecord(stack, confirmationOf(found, stack, record));
  storeJournal(stack, without(journal, [item]));
  const done = found.revoke === 'copies' ? 'has no old copy' : 'is revoked';
  console.log(`confirmed ${item}: ${found.key} ${done}; recorded in ${ledgerName(stack)}`);
  return 0;
}

if (import.meta.main) await runCommand(main);
