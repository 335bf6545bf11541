/** What the conformance suite asks of a target: a small adapter each, over its real systems. */
import type { SecretKey } from '../../../components/catalog.ts';
import type { TargetName } from '../../../components/delivery/targets.ts';
import type { Checkout, Result } from '../checkout.ts';
import type { Breakage } from './breakage.ts';

export interface ConformingTarget {
  readonly name: TargetName;
  /** Of the stack that delivers to it, and to it alone. */
  readonly stack: string;
  readonly checkout: Checkout;

  /** Brings the systems up, and the stack on them, with a value for every key. */
  start(): Promise<void>;
  /** Takes all of it away, whatever happened before. */
  end(): Promise<void>;

  /** What a command on the systems needs in its environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Runs a command on the systems, as in the user's shell. */
  run(command: string, args: readonly string[], input?: string): Promise<Result>;

  /** Keys that the consumer reads, with what it reads, by the real consumer. */
  read(): Promise<ReadonlyMap<SecretKey, string>>;
  /** What lies at the place for a key, whoever reads it; undefined: nothing. */
  value(key: SecretKey): Promise<string | undefined>;
  /** Whether that disturbs nobody, so that it may be done while something is brought there. @default true */
  readonly looksAreCheap?: boolean;
  /** All that holds values at the place, by a name without a random part; nothing after a destroy. */
  places(): Promise<readonly string[]>;

  /** What was written at the place since a moment; for a second run, which writes nothing. */
  mark(): Promise<unknown>;
  writes(mark: unknown): Promise<readonly string[]>;

  /** Somebody deletes, or changes by hand, what lies there of a key's group. */
  remove(key: SecretKey): Promise<void>;
  edit(key: SecretKey, value: string): Promise<void>;
  /** For a controller that owns it: seconds until what was deleted is back. Absent: nobody does. */
  readonly owner?: { readonly backWithinSeconds: number };

  /** What keeps it from taking values, for a rotation in whose middle that happens. */
  readonly breakages: readonly Breakage[];

  /** What a user does before a group that was taken away comes back. Absent: nothing. */
  bringBack?(): Promise<void>;

  /** A value of every byte class that the target carries. */
  readonly awkward: string;
  /** Values that it cannot carry, and refuses with this reason. */
  readonly refused: ReadonlyMap<string, RegExp>;

  /** What the systems logged, for a search. */
  logs(): ReadonlyMap<string, string>;
}
