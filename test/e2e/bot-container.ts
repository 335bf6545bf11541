/**
 * Containers of the real bot with folders of their own for what it is given and what it writes, so
 * that a test can spoil the one and look into the other.
 */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentName, secretKeys } from '../../components/catalog.ts';
import {
  commandOf,
  home,
  type Program,
  programDirectory,
  programFiles,
  runDirectory,
} from '../../components/consumers/container.ts';
import { DockerEngine } from '../../rehearsal/docker-engine.ts';
import { botArchive } from '../../rehearsal/images/hummingbot.ts';
import { botFieldKeys } from '../guide-keys.ts';
import type { WrongInput } from './wrong-inputs.ts';

/** User and group of the bot. */
const user = 1000;
const secretsDirectory = '/etc/secrets/trading';

/** What a container is given otherwise than one that would be right, or than a new one. */
export interface Given extends WrongInput {
  /** Whether conf and run are kept from the case before. */
  readonly kept?: boolean;
  /** Changes the folders on the host before the start. */
  readonly spoil?: (place: Place) => void;
}

export interface Place {
  readonly conf: string;
  readonly run: string;
  readonly secrets: string;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class BotContainer {
  readonly #engine: DockerEngine;
  readonly #image: string;
  readonly #folder: string;
  readonly values: ReadonlyMap<string, string>;

  private constructor(engine: DockerEngine, image: string, values: ReadonlyMap<string, string>) {
    this.#engine = engine;
    this.#image = image;
    this.#folder = mkdtempSync(join(tmpdir(), 'bot-'));
    this.values = values;
    // The bot's user finds its folders below.
    chmodSync(this.#folder, 0o711);
  }

  /** @param values of the keys that the bot has fields for */
  static async start(values: ReadonlyMap<string, string>): Promise<BotContainer> {
    const image = await botArchive();
    const engine = await DockerEngine.start();
    engine.docker('load', '--input', image.path);
    return new BotContainer(engine, image.name, values);
  }

  get place(): Place {
    const at = (name: string): string => join(this.#folder, name);
    return { conf: at('conf'), run: at('run'), secrets: at('secrets') };
  }

  #fill(name: string, files: Readonly<Record<string, string | Buffer | undefined>>): void {
    const folder = join(this.#folder, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, user, user);
    for (const [file, content] of Object.entries(files)) {
      if (content === undefined) continue;
      writeFileSync(join(folder, file), content, { mode: 0o400 });
      chownSync(join(folder, file), user, user);
    }
  }

  /** Arguments of `docker run` for a case, after its folders were made. */
  #arguments(program: Program, given: Given): readonly string[] {
    this.#fill('secrets', { ...Object.fromEntries(this.values), ...given.files });
    this.#fill('program', {
      ...programFiles([...this.values.keys()], undefined),
      ...given.program,
    });
    for (const name of given.kept === true ? [] : ['conf', 'run']) this.#fill(name, {});
    given.spoil?.(this.place);
    const variables = {
      HOME: '/tmp',
      ...Object.fromEntries(
        [...this.values.keys()].map((key) => [
          `${environmentName(key)}_FILE`,
          `${secretsDirectory}/${key}`,
        ]),
      ),
      ...given.environment,
    };
    const bound = { conf: `${home}/conf`, run: runDirectory };
    const [shell = '', ...words] = commandOf(program);
    return [
      ...['--rm', '--network', 'none', '--user', `${user}:${user}`, '--read-only'],
      ...['--tmpfs', '/tmp:mode=1777', '--entrypoint', shell],
      ...Object.entries(variables).flatMap(([name, value]) =>
        value === undefined ? [] : ['--env', `${name}=${value}`],
      ),
      ...Object.entries(bound)
        .filter(([, target]) => given.memory?.path !== target)
        .flatMap(([name, target]) => ['--volume', `${join(this.#folder, name)}:${target}`]),
      ...['--volume', `${join(this.#folder, 'secrets')}:${secretsDirectory}:ro`],
      ...['--volume', `${join(this.#folder, 'program')}:${programDirectory}:ro`],
      ...memoryFlags(given),
      this.#image,
      ...words,
    ];
  }

  /**
   * Runs a program to its end.
   * @param enough once it has printed this, it is stopped by SIGTERM
   */
  async run(program: Program, given: Given = {}, enough?: RegExp): Promise<Outcome> {
    const name = `case-${process.hrtime.bigint()}`;
    const words = ['run', '--name', name, ...this.#arguments(program, given)];
    const env = { ...process.env, ...this.#engine.environment };
    const child = spawn('docker', words, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const told = { stdout: '', stderr: '' };
    let stopped = false;
    child.stdout.on('data', (chunk: Buffer) => {
      told.stdout += chunk.toString();
      if (stopped || enough?.test(told.stdout) !== true) return;
      stopped = true;
      spawn('docker', ['stop', name], { env, stdio: 'ignore' });
    });
    child.stderr.on('data', (chunk: Buffer) => {
      told.stderr += chunk.toString();
    });
    const code = await new Promise<number>((settle) =>
      child.on('close', (status) => settle(status ?? 1)),
    );
    return { code, ...told };
  }

  /** Starts a program, gives it a while, and kills it without notice. */
  async killed(program: Program, milliseconds: number): Promise<void> {
    const name = `case-${process.hrtime.bigint()}`;
    const words = ['run', '--detach', '--name', name, ...this.#arguments(program, {})];
    this.#engine.docker(...words);
    await new Promise((settle) => setTimeout(settle, milliseconds));
    this.#engine.docker('kill', '--signal', 'KILL', name);
    this.#engine.docker('wait', name);
  }

  async stop(): Promise<void> {
    await this.#engine.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function memoryFlags({ memory }: WrongInput): readonly string[] {
  if (memory === undefined) return [];
  const { path, readOnly, size } = memory;
  const own = `uid=${user},gid=${user},mode=0700`;
  const options = readOnly === true ? 'ro' : size === undefined ? 'rw' : `size=${size}k,${own}`;
  return ['--tmpfs', `${path}:${options}`];
}

/** Keys in the order of the catalog that are read by a field of the bot. */
export const readKeys = secretKeys.filter((key) => botFieldKeys.includes(key));
