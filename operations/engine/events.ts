/**
 * What the engine tells of a run, event by event, beside what it shows: by its `--event-log`, which
 * the Automation API relies on. Through a FIFO and into this process's memory alone, because in a
 * file the events would hold generated passwords in the clear (seen with 3.259).
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeAbandoned } from './abandoned.ts';
import { workspace } from './workspace.ts';

/** Fields of https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/apitype#EngineEvent */
export interface EngineEvent {
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  /** A violation. */
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly policyName: string;
    readonly enforcementLevel: string;
  };
  /** The end of a run: which policy packs were asked, and what would become of how many resources. */
  readonly summaryEvent?: {
    readonly PolicyPacks?: Readonly<Record<string, string>>;
    readonly resourceChanges?: Readonly<Record<string, number>>;
  };
  readonly diagnosticEvent?: {
    readonly urn?: string;
    readonly severity: string;
    readonly message: string;
  };
}

export interface StepMetadata {
  /** `create`, `create-replacement`, `update`, ... */
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly provider?: string;
  readonly new?: {
    readonly custom?: boolean;
    readonly parent?: string;
    readonly protect?: boolean;
    readonly inputs?: Readonly<Record<string, unknown>>;
  } | null;
}

/** What a run needs, so that its events are heard. */
export interface Heard {
  readonly flags: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Reads for as long as the engine may write, also when this process is killed: the engine opens the FIFO
 * for both ways (Go's `os.Create`), so that without a reader it would not fail, but wait for ever. It opens
 * it more than once, so no end of what it writes is the last.
 */
const drain = `
trap '' PIPE INT TERM HUP
tee /dev/null <> "$FIFO" &
engine() {
  if [ -d /proc/1 ]; then printf '%s' "$FIFO" | grep -qsF -f - /proc/[0-9]*/cmdline
  else ps -A -o args= | awk 'index($0, ENVIRON["FIFO"]) { found = 1 } END { exit !found }'
  fi
}
while kill -0 "$COMMAND" 2>/dev/null || engine; do sleep 1; done
kill -9 $!
`;
const end = '{"end":true}';

/**
 * Hears a run's events. Where there is no FIFO (Windows), it runs unheard.
 * @param hear is called while the run goes on, in order; all are heard when this settles
 */
export async function withEvents<T>(
  hear: (event: EngineEvent) => void,
  run: (heard: Heard) => Promise<T>,
): Promise<T> {
  const prefix = 'events-';
  removeAbandoned(workspace.home, prefix);
  const folder = join(workspace.home, `${prefix}${process.pid}`);
  const path = join(folder, 'fifo');
  // Of an earlier process that had this one's pid, as in a container.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  let fifo: number;
  try {
    execFileSync('mkfifo', ['-m', '600', path], { stdio: 'ignore' });
    // From now on what is written waits for the drainer.
    fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return await run({ flags: [], environment: {} });
  }
  // Not as arguments: the engine is known by the path among its own.
  const drainer = spawn('sh', ['-c', drain], {
    env: { PATH: process.env.PATH, FIFO: path, COMMAND: String(process.pid) },
    stdio: ['ignore', 'pipe', 'ignore'],
    // A group of its own, which ends as one.
    detached: true,
  });
  const all = (async (): Promise<void> => {
    for await (const line of createInterface({ input: drainer.stdout })) {
      if (line === end) return;
      const event = parsed(line);
      if (event !== undefined) hear(event);
    }
  })();
  try {
    return await run({
      flags: ['--event-log', path],
      // Without it the engine does not know the flag.
      environment: { PULUMI_DEBUG_COMMANDS: 'true' },
    });
  } finally {
    while (!written(fifo, `\n${end}\n`)) await sleep(10);
    await all;
    closeSync(fifo);
    if (drainer.pid !== undefined) process.kill(-drainer.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns whether there was room */
function written(fifo: number, text: string): boolean {
  try {
    writeSync(fifo, text);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

/** A killed engine may have written half a line. */
function parsed(line: string): EngineEvent | undefined {
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
}
