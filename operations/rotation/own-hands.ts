/** What the steps of a rotation do to a real stack. */
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { madeFrom } from '../../settings/made-from.ts';
import { stackFilePath } from '../doctor/config.ts';
import type { Engine } from '../engine/engine.ts';
import { findBots, refuseUnstopped, stopped } from './bots.ts';
import { check } from './checks.ts';
import { Copies } from './copies.ts';
import type { Hands, RollOut } from './drive.ts';
import { ledgerName, loadJournal, loadLedger, storeJournal, storeRecord } from './files.ts';
import { hookOf } from './hooks.ts';
import type { Journal } from './journal.ts';
import { lastOf } from './last-entry.ts';
import { keyOf, type NewValues } from './new-values.ts';
import { recordOf } from './record.ts';
import { overlapEnd, revoke } from './revocation.ts';
import { type Known, rollOut, startAgain } from './roll-out.ts';
import { type Check, groupsOf, type Revoked, type Rotation, type Step } from './rotation.ts';
import type { Scope } from './scope.ts';
import type { SealedConfig } from './sealed-config.ts';

const titles: Readonly<Record<Step, string>> = {
  stop: 'first   stop the bot',
  start: 'last    start the bot with what is compromised',
  held: '4 of 6  the new value is kept, and the compromised one is not brought back',
  value: '2 of 6  new value',
  check: '3 of 6  check',
  'roll out': '4 of 6  roll out',
  'take back': '4 of 6  take back the old value',
  'taken back': '4 of 6  the old value is back',
  revoke: '5 of 6  revoke',
  record: '6 of 6  record',
};

export interface OwnHandsArgs {
  readonly engine: Engine;
  readonly config: SealedConfig;
  readonly scope: Scope;
  readonly newValues: NewValues;
  /** Asks for them. */
  readonly give: (keys: readonly SecretKey[]) => Promise<ReadonlyMap<SecretKey, string>>;
  readonly skipCheck: boolean;
  /** Whether an emergency goes on when a bot does not stop. */
  readonly evenIfRunning: boolean;
}

export class OwnHands implements Hands {
  readonly #args: OwnHandsArgs;
  #interrupted = false;

  constructor(args: OwnHandsArgs) {
    this.#args = args;
  }

  /** Whether somebody has ended a run of Pulumi in the middle of a step. */
  get wasInterrupted(): boolean {
    return this.#interrupted;
  }

  write(journal: Journal): void {
    storeJournal(this.#args.engine.stack, journal);
  }

  say({ due }: Rotation): void {
    console.log(titles[due]);
  }

  async stop({ emergency }: Rotation): Promise<void> {
    const { engine, scope, evenIfRunning } = this.#args;
    const { stack } = engine;
    const { settings, outputs } = scope;
    const { bots, troubles } = await findBots({ settings, delivered: outputs.delivered });
    const { bots: known = [] } = emergency ?? {};
    const command = `npm run rotate -- --stack ${stack} --resume`;
    // What ran when it began, and cannot be asked now, may run on.
    if (known.length > 0) refuseUnstopped(troubles, command, evenIfRunning);
    for (const bot of bots.filter(({ target }) => known.includes(target))) {
      const got = await stopped(bot);
      if (got === undefined) console.log(`  ${bot.name}: stopped`);
      else refuseUnstopped([{ what: bot.name, got }], command, evenIfRunning);
    }
  }

  async start({ emergency }: Rotation): Promise<RollOut['end']> {
    const ended = await startAgain(this.#args.engine, this.#known(emergency?.bots));
    if (ended === 'interrupted') this.#interrupted = true;
    return ended;
  }

  async values({ keys, emergency }: Rotation) {
    const { newValues, give, engine, scope } = this.#args;
    const names = keys.map(({ path }) => keyOf(path));
    if (emergency !== undefined) sayWhatIsUrgent(names, scope.settings);
    const { stack: own } = engine;
    const taken = await newValues.take(names, await give(names), loadJournal(own), loadLedger(own));
    for (const stack of taken.uncompared) {
      console.log(`  not compared with stack ${stack}, whose values do not open here`);
    }
    return taken;
  }

  async check(rotation: Rotation): Promise<readonly Check[]> {
    const { engine, config, scope, skipCheck } = this.#args;
    return await check(rotation, {
      stack: engine.stack,
      skip: skipCheck,
      settings: scope.settings,
      used: scope.used,
      open: async (sealed) => await config.open(sealed),
    });
  }

  async rollOut(rotation: Rotation, side: 'new' | 'old'): Promise<RollOut> {
    const { engine, config } = this.#args;
    const { keys, before = {}, emergency, ran } = rotation;
    const { heads: follows } = loadLedger(engine.stack);
    const now = lastOf(rotation, engine.stack, follows);
    const last = groupsOf(keys).map(
      (group) => [group, side === 'new' ? now : (before[group] ?? null)] as const,
    );
    const known = this.#known(emergency?.bots ?? ran);
    if (engine.protected && !known.valuesAlone) {
      console.log('  its settings or program are others than at its last up, and go out with it');
    }
    const rolled = await rollOut(engine, config, keys, side, new Map(last), known);
    if (rolled.end === 'interrupted') this.#interrupted = true;
    if (rolled.end !== 'done') return rolled;
    return { ...rolled, at: new Date().toISOString(), follows };
  }

  #known(stopped: readonly string[] = []): Known {
    const { engine, scope } = this.#args;
    const { madeFrom: before } = scope.outputs;
    const valuesAlone = before !== undefined && before === madeFrom(stackFilePath(engine.stack));
    return { valuesAlone, stopped };
  }

  async revoke(rotation: Rotation): Promise<Revoked> {
    const { engine, config, scope } = this.#args;
    const { keys, emergency } = rotation;
    const worth = keys.filter((each) => each.worth);
    // Set by somebody since the roll out: the old credential may be in use again.
    const other = worth.filter(({ path, new: set = null }) => config.sealed(path) !== set);
    for (const { path } of other) {
      console.error(
        `${path}: got another value, set since it was rolled out, so the old one is not revoked; allowed: the one that was rolled out; fix: npm start -- --stack ${engine.stack}, then revoke by hand what is not in use`,
      );
    }
    const groups = groupsOf(keys);
    if (worth.length === 0) console.log('  nothing: what was replaced is no credential');
    const found = await Copies.look(engine, groups);
    const after = overlapEnd(rotation, scope.settings);
    if (after !== undefined) {
      const copies = found.held;
      const kept = [
        ...worth.map(({ path }) => `the old ${path}`),
        ...copies.map((group) => `the copies of ${group}`),
      ];
      if (kept.length > 0) console.log(`  ${kept.join(', ')}: not before ${after}`);
      return { revoked: [], copies, after };
    }
    const ready = worth
      .filter((each) => !other.includes(each))
      .filter(
        (each) => emergency !== undefined || !groupsOf([each]).some((group) => found.isLeft(group)),
      );
    const revoked = await revoke(ready, {
      stack: engine.stack,
      settings: scope.settings,
      open: async (sealed) => await config.open(sealed),
    });
    const left = worth.map(({ path }) => path).filter((path) => !revoked.has(path));
    if (left.length > 0) {
      console.log(`  the old ${left.join(', ')}: a person has to, where it was made`);
    }
    const gone = await found.remove();
    const copies = groups.filter((group) => !gone.includes(group));
    return { revoked: [...revoked.keys()], copies };
  }

  record(rotation: Rotation): void {
    const { stack } = this.#args.engine;
    storeRecord(stack, recordOf(rotation, stack, new Date().toISOString()));
    console.log(`  ${ledgerName(stack)}`);
  }
}

/** No bot needs the old credential any more; what a hook revokes, it revokes once the new one is there. */
function sayWhatIsUrgent(
  keys: readonly SecretKey[],
  settings: Readonly<Record<string, unknown>>,
): void {
  const own = keys.filter((key) => hookOf(settings, 'revoke', key) === undefined);
  for (const what of new Set(own.map((key) => `${entryOf(key).group}.${entryOf(key).usedWith}`))) {
    console.log(
      `  URGENT: revoke the old ${what} where it was made, now, before you make a new one`,
    );
  }
}
