/**
 * `hummingbot:index:Convergence`: the gate between a swarm's service and the deletion of what its old
 * task used. It makes nothing: create and update wait until the one task of the service runs as the
 * service is now, or fail with the task's own reason, so that Pulumi goes on, or deletes nothing.
 *
 * Not the provider's `convergeConfig`: it removes a service whose first task does not run, names no
 * reason, and a failed update is not awaited again by the next run, which would call it done
 * (docs/decisions/0017-a-swarm-is-awaited-by-its-own-gate.md).
 */
import { isDeepStrictEqual } from 'node:util';
import { DockerApi, DockerError, DockerUnreachable, filters, isMissing } from '../docker-api.ts';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  type DiffResult,
  failure,
  isUnknown,
  PluginError,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  type UpdateResult,
} from '../provider-server.ts';
import {
  endedTasks,
  lastFailure,
  progressOf,
  type Service,
  type Snapshot,
  type Task,
} from './convergence-progress.ts';
import { waitFor, waiting } from './waiting.ts';

export interface ConvergenceInputs {
  readonly host: string;
  /** Empty without TLS. */
  readonly certPath: string;
  /** ID of the service. */
  readonly service: string;
  /** What the service was updated for: ids of secrets and configs, and the image. */
  readonly content: readonly string[];
  readonly deadlineSeconds: number;
}

const kinds = { host: 'string', certPath: 'string', service: 'string', deadlineSeconds: 'number' };
/** Lines that launch.py and materialise.py end with: what, got, allowed, fix; never a value. */
const contractLine = /^.{1,200}: got .*; allowed: .*; fix: .*$/u;

export class Convergence implements ResourceHandler {
  readonly #pollMilliseconds: number;

  /** @param pollMilliseconds time between two looks */
  constructor(pollMilliseconds = 1000) {
    this.#pollMilliseconds = pollMilliseconds;
  }

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const inputs: Properties = { certPath: '', deadlineSeconds: 600, ...news };
    const failures = Object.entries(kinds)
      .filter(([name, kind]) => !isUnknown(inputs[name]) && typeof inputs[name] !== kind)
      .map(([name, kind]) => failure(name, `got ${typeof inputs[name]}; allowed: ${kind}`));
    if (!isUnknown(inputs.content) && !Array.isArray(inputs.content)) {
      failures.push(failure('content', 'got something else; allowed: a list of texts'));
    }
    return { inputs, failures };
  }

  /** The host is how one looks, not what one looks at: another one is no difference. */
  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const differ = (name: string): boolean => !isDeepStrictEqual(olds[name], news[name]);
    const replaces = ['service'].filter(differ);
    const diffs = [...replaces, ...['content', 'deadlineSeconds'].filter(differ)];
    if (olds.task === '') diffs.push('task');
    return { changes: diffs.length > 0, replaces, diffs };
  }

  async create(news: Properties, call: Call): Promise<CreateResult> {
    const inputs = news as unknown as ConvergenceInputs;
    return { id: inputs.service, outs: { ...news, task: await this.#wait(inputs, call) } };
  }

  async update(
    _id: string,
    _olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<UpdateResult> {
    const inputs = news as unknown as ConvergenceInputs;
    return { outs: { ...news, task: await this.#wait(inputs, call) } };
  }

  /** An empty `task` says "not now". */
  async read(id: string, state: Properties, call: Call): Promise<ReadResult> {
    const inputs = { ...state, ...call.oldInputs } as unknown as ConvergenceInputs;
    if (typeof inputs.host !== 'string') {
      throw new PluginError('hummingbot:index:Convergence: cannot be imported; run the program');
    }
    try {
      const progress = progressOf({ ...(await look(inputs, call)), before: new Set() });
      const task = progress.state === 'complete' ? progress.found : '';
      return { id, props: { ...state, task } };
    } catch (error) {
      if (isMissing(error)) return {};
      throw error;
    }
  }

  async delete(): Promise<void> {}

  /** @returns the id of the task that runs */
  async #wait(inputs: ConvergenceInputs, call: Call): Promise<string> {
    let seen: Pick<Snapshot, 'service' | 'tasks'> | undefined;
    let before: ReadonlySet<string> | undefined;
    const patience = {
      deadlineSeconds: inputs.deadlineSeconds,
      pollMilliseconds: this.#pollMilliseconds,
      goal: 'running',
      lineOf: (text: string) => text,
    };
    const tried = async () => {
      try {
        seen = await look(inputs, call);
        before ??= endedTasks(seen.tasks);
        return progressOf({ ...seen, before });
      } catch (error) {
        if (isMissing(error)) throw new PluginError('not found');
        if (error instanceof DockerUnreachable || error instanceof DockerError) {
          return waiting(error.message, 'no answer');
        }
        throw error;
      }
    };
    try {
      return await waitFor(tried, patience, call);
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      const reason = seen === undefined ? '' : await wordsOf(inputs, lastFailure(seen));
      const text = reason === '' ? error.message : `${error.message}: ${reason}`;
      throw new PluginError(lineOf(inputs, seen?.service, text));
    }
  }
}

async function look(
  inputs: ConvergenceInputs,
  call: Call,
): Promise<Pick<Snapshot, 'service' | 'tasks'>> {
  const api = new DockerApi(inputs);
  const { signal } = call;
  const service = (await api.get(`/services/${inputs.service}`, { signal })) as Service;
  const query = filters({ service: [inputs.service] });
  const tasks = (await api.list('/tasks', { query, signal })) as unknown as readonly Task[];
  return { service, tasks };
}

/** The line that a failed task said of itself; empty where there is none, or nobody to ask. */
async function wordsOf(inputs: ConvergenceInputs, task: string): Promise<string> {
  if (task === '') return '';
  try {
    const query = { stdout: '1', stderr: '1', tail: '50' };
    const logs = await new DockerApi(inputs).raw(`/tasks/${task}/logs`, { query });
    const lines = textOf(logs).split('\n');
    return lines.findLast((line) => contractLine.test(line))?.slice(0, 500) ?? '';
  } catch (error) {
    if (error instanceof PluginError) return '';
    throw error;
  }
}

/** A log comes in frames: a kind, three zeros, a length of four bytes, and so many bytes. */
export function textOf(frames: Buffer): string {
  const head = 8;
  const parts: Buffer[] = [];
  for (let at = 0; at + head <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    parts.push(frames.subarray(at + head, at + head + length));
    at += head + length;
  }
  return Buffer.concat(parts).toString();
}

function lineOf({ host, service }: ConvergenceInputs, found: Service | undefined, text: string) {
  const name = found?.Spec?.Name ?? service;
  return (
    `Docker service ${name}: ${text}; nothing old is deleted; ` +
    `fix: docker --host ${host} service ps --no-trunc ${name}, or service logs ${name}`
  );
}
