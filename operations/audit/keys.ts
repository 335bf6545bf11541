/**
 * Which keys of KMS are the stack's. A trail has what an account does with all of its keys: EC2, EBS and
 * RDS make grants all day. Whose a key is may stand behind what was done with it, so events wait for it.
 */
import type { AccessEvent } from './event.ts';
import type { Judge } from './judge.ts';
import { type Row, Tally } from './tally.ts';

/** What nothing ties to the stack, while no key of it is known. */
export interface OtherKeys {
  readonly events: number;
  readonly keys: readonly string[];
}

/** Of an ARN or an id; undefined for what is neither, an alias too. */
export function keyIdIn(text: unknown): string | undefined {
  const [, id] =
    /^(?:arn:[\w-]+:kms:[\w-]+:\d{12}:key\/)?((?:mrk-)?[0-9a-f]{8}-?[0-9a-f-]{23,27})$/u.exec(
      String(text),
    ) ?? [];
  return id;
}

export class Keys {
  readonly #own: Set<string>;
  readonly #isGiven: boolean;
  readonly #waiting: Tally;

  /** @param given ids, if somebody has said which they are: then nothing is learnt */
  constructor(given: readonly string[], judge: Judge) {
    this.#own = new Set(given);
    this.#isGiven = given.length > 0;
    this.#waiting = new Tally(judge);
  }

  learn(key: unknown): void {
    const id = keyIdIn(key);
    if (id !== undefined && !this.#isGiven) this.#own.add(id);
  }

  add(event: AccessEvent): void {
    if (!this.#isGiven || this.#isOwn(event)) this.#waiting.add(event);
  }

  #isOwn({ what }: Pick<AccessEvent, 'what'>): boolean {
    return this.#own.has(keyIdIn(what.replace(/^key /u, '')) ?? '');
  }

  /** Of the stack's keys, once all is read. */
  get rows(): readonly Row[] {
    return this.#waiting.rows.filter((row) => this.#isOwn(row));
  }

  get left(): Tally['left'] {
    return this.#waiting.left;
  }

  get others(): OtherKeys | undefined {
    const rows = this.#waiting.rows.filter(({ expected }) => expected === null);
    if (this.#own.size > 0 || rows.length === 0) return undefined;
    const keys = [...new Set(rows.map(({ what }) => what.replace(/^key /u, '')))];
    return { events: rows.reduce((sum, { count }) => sum + count, 0), keys };
  }
}
