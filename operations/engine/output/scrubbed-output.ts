/**
 * Where a program's output goes: to a terminal as it is, elsewhere (a file, a pipe, a CI's log)
 * through a scrubber. A terminal is the program's own, which draws on it and asks there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scrubber } from './scrubber.ts';

/**
 * Reads for as long as the program may write, also when this process is killed: without a reader an
 * engine would die of SIGPIPE in the middle of a change.
 */
const relay = "trap '' PIPE INT TERM HUP; exec tee /dev/null";
/** What a killed program has started may hold its output open. */
const patienceMilliseconds = 2000;

interface Way {
  readonly into: Writable;
  readonly relay: ChildProcess;
  readonly ended: Promise<unknown>;
}

export interface ScrubbedOutput {
  /** For the program's standard output and error. */
  readonly stdio: readonly ('inherit' | Writable)[];
  /** Called once the program has them. */
  begun(): void;
  /** Settles when all that it printed is passed on. */
  finish(): Promise<void>;
}

/** @param values by their names, asked for only where something is scrubbed */
export function scrubbedOutput(values: () => ReadonlyMap<string, string>): ScrubbedOutput {
  const streams = [process.stdout, process.stderr];
  const hidden = streams.every(({ isTTY }) => isTTY) ? new Map<string, string>() : values();
  const ways = streams.map((stream, at) =>
    stream.isTTY || hidden.size === 0 || (at === 1 && isOneFile())
      ? undefined
      : wayTo(stream, hidden),
  );
  // Both in one file stay in their order by one way.
  if (ways[0] !== undefined && isOneFile()) ways[1] = ways[0];
  const all = new Set(ways.filter((way) => way !== undefined));
  return {
    stdio: ways.map((way) => way?.into ?? 'inherit'),
    begun: () => {
      for (const { into } of all) into.destroy();
    },
    finish: async () => {
      const waited = new AbortController();
      const patience = sleep(patienceMilliseconds, undefined, { signal: waited.signal });
      await Promise.race([
        Promise.all([...all].map(({ ended }) => ended)),
        patience.catch(() => undefined),
      ]);
      waited.abort();
      for (const way of all) {
        way.relay.stdout?.destroy();
        way.relay.unref();
      }
    },
  };
}

/** `> log 2>&1` */
function isOneFile(): boolean {
  if (process.stdout.isTTY || process.stderr.isTTY) return false;
  const [out, err] = [fstatSync(1), fstatSync(2)];
  return out.dev === err.dev && out.ino === err.ino;
}

function wayTo(stream: Writable, values: ReadonlyMap<string, string>): Way {
  const child = spawn('sh', ['-c', relay], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
  const source: Readable = child.stdout;
  const scrubber = new Scrubber(values);
  const ended = new Promise((settle) => scrubber.once('end', settle));
  // Nobody reads any more: the program goes on to its end.
  stream.once('error', () => {
    scrubber.unpipe(stream);
    scrubber.resume();
  });
  source.pipe(scrubber).pipe(stream, { end: false });
  return { into: child.stdin, relay: child, ended };
}
