/**
 * What the engine tells of a run, event by event, beside what it shows: by its `--event-log`, which
 * the Automation API relies on. Through a FIFO and into this process's memory alone, because in a
 * file the events would hold generated passwords in the clear (seen with 3.259).
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { removeAbandoned } from './abandoned.ts';
import { workspace } from './workspace.ts';

/** Fields of https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/apitype#EngineEvent */
export interface EngineEvent {
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
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

const end = '\n{"end":true}\n';

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
  mkdirSync(folder, { mode: 0o700 });
  const path = join(folder, 'fifo');
  let fifo: number;
  try {
    execFileSync('mkfifo', ['-m', '600', path], { stdio: 'ignore' });
    // For both, so that it does not end before the engine has opened it.
    fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return await run({ flags: [], environment: {} });
  }
  const socket = new Socket({ fd: fifo, readable: true, writable: false });
  const all = (async (): Promise<void> => {
    for await (const line of createInterface({ input: socket })) {
      if (line === end.trim()) return;
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
    const writer = openSync(path, constants.O_WRONLY);
    writeSync(writer, end);
    closeSync(writer);
    await all;
    socket.destroy();
    rmSync(folder, { recursive: true, force: true });
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
