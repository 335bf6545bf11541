/**
 * Takes a rotation from step to step. What a step does to the world is in the hands that it is
 * given; each of them may be tried again after a crash in its middle.
 */
import { finished, type Journal, withCurrent } from './journal.ts';
import {
  advance,
  type Check,
  type Outcome,
  type Proven,
  type Revoked,
  type RotatedKey,
  type Rotation,
  rests,
} from './rotation.ts';

/** How a roll out ended. A failure is taken back; an interruption waits for who resumes it. */
export type RollOut =
  | ({
      readonly end: 'done';
      /** On the way back: paths that somebody has set to a third value, which was left alone. */
      readonly foreign: readonly string[];
    } & Proven)
  | { readonly end: 'failed' }
  | { readonly end: 'interrupted' };

/** Each does its step once more, or finds that it is done, when it is asked again. */
export interface Hands {
  /** Durable when it returns. */
  write(journal: Journal): void;
  /** A step begins. */
  say(rotation: Rotation): void;
  /** Stops the bots of an emergency. @throws CommandError when one does not stop */
  stop(rotation: Rotation): Promise<void>;
  /** Starts them with what is set. */
  start(rotation: Rotation): Promise<RollOut['end']>;
  /** @throws CommandError when there is no right value; nothing has changed then */
  values(rotation: Rotation): Promise<{
    readonly keys: readonly RotatedKey[];
    readonly uncompared: readonly string[];
    readonly voids: readonly string[];
  }>;
  /** @throws CommandError when a new credential does not work; nothing has moved then */
  check(rotation: Rotation): Promise<readonly Check[]>;
  /**
   * Sets one side's values in the config, all of them at once, and brings them to every target.
   * @throws CommandError when somebody has set another value meanwhile; nothing has changed then
   */
  rollOut(rotation: Rotation, side: 'new' | 'old'): Promise<RollOut>;
  /** Only behind the overlap; what it does not do is an item. */
  revoke(rotation: Rotation): Promise<Revoked>;
  /** Writes the record, unless it is written. */
  record(rotation: Rotation): void;
}

/**
 * @param start the journal, with its rotation at the step that is due
 * @returns the journal as it was written last; its rotation is gone when it is over
 */
export async function drive(start: Journal, hands: Hands): Promise<Journal> {
  let journal = start;
  hands.write(journal);
  for (;;) {
    const { current } = journal;
    if (current === undefined || rests(current)) return journal;
    hands.say(current);
    const outcome = await performed(current, hands);
    // Still due: whoever resumes begins with it.
    if (outcome === undefined) return journal;
    journal =
      outcome === 'recorded' ? finished(journal) : withCurrent(journal, advance(current, outcome));
    hands.write(journal);
  }
}

async function performed(
  current: Rotation,
  hands: Hands,
): Promise<Outcome | 'recorded' | undefined> {
  switch (current.due) {
    case 'stop':
      await hands.stop(current);
      return { of: 'stop' };
    case 'start':
      return (await hands.start(current)) === 'done' ? { of: 'start' } : undefined;
    case 'value':
      return { of: 'value', ...(await hands.values(current)) };
    case 'check':
      return { of: 'check', checks: await hands.check(current) };
    case 'roll out': {
      const rolled = await hands.rollOut(current, 'new');
      if (rolled.end === 'interrupted') return undefined;
      if (rolled.end === 'failed') return { of: 'roll out', failed: true };
      const { tags, at, follows } = rolled;
      return { of: 'roll out', tags, at, follows };
    }
    case 'take back': {
      const rolled = await hands.rollOut(current, 'old');
      return rolled.end === 'done' ? { of: 'take back', foreign: rolled.foreign } : undefined;
    }
    case 'revoke':
      return { of: 'revoke', ...(await hands.revoke(current)) };
    case 'record':
      hands.record(current);
      return 'recorded';
    case 'held':
    case 'taken back':
      return undefined;
  }
}
