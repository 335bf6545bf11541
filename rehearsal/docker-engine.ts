/**
 * A Docker Engine of its own on this machine: its socket, its data and its containers lie in one
 * temporary folder, and all of it is gone after `stop`. Linux and root.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../operations/engine/command-error.ts';
import { programOf } from './debian-packages.ts';
import { botArchive } from './images/hummingbot.ts';

const startSeconds = 60;
const stopSeconds = 30;

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class DockerEngine {
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#process = child;
  }

  /** @throws CommandError when there is no engine to start, or it does not answer */
  static async start(): Promise<DockerEngine> {
    const dockerd = programOf('dockerd', 'docker.io');
    const folder = mkdtempSync(join(tmpdir(), 'docker-'));
    const log = openSync(join(folder, 'log'), 'w');
    const options = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
    const places = ['data-root', 'exec-root', 'pidfile'].flatMap((option) => [
      `--${option}`,
      join(folder, option),
    ]);
    const child = spawn(dockerd, [...options, '--host', `unix://${folder}/socket`, ...places], {
      stdio: ['ignore', log, log],
    });
    const engine = new DockerEngine(folder, child);
    for (const deadline = Date.now() + startSeconds * 1000; Date.now() < deadline; ) {
      if (engine.docker('version').status === 0) return engine;
      if (child.exitCode !== null) break;
      await sleep(200);
    }
    await engine.stop();
    throw new CommandError(
      'dockerd: got no answer; allowed: Linux, as root, with cgroups; fix: run on such a machine',
    );
  }

  /** Variables for clients of this engine. */
  get environment(): { readonly DOCKER_HOST: string } {
    return { DOCKER_HOST: `unix://${this.#folder}/socket` };
  }

  docker(...args: readonly string[]): Answer {
    const env = { ...process.env, ...this.environment };
    return spawnSync(programOf('docker', 'docker.io'), args, { encoding: 'utf8', env });
  }

  /**
   * Loads the bot's image under another name: no registry is asked.
   * @throws CommandError when it cannot be had or loaded
   */
  async loadBot(name: string): Promise<void> {
    const image = await botArchive();
    const loaded = this.docker('load', '--quiet', '--input', image.path).status === 0;
    if (loaded && this.docker('tag', image.name, name).status === 0) return;
    throw new CommandError(
      `docker load: got an error; allowed: an image; fix: see ${join(this.#folder, 'log')}`,
    );
  }

  /** Makes an image of busybox that sleeps, with the bot's working directory: no registry is asked. */
  importImage(name: string): void {
    const root = join(this.#folder, 'image');
    for (const folder of ['bin', 'tmp', 'etc', 'home/hummingbot']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    copyFileSync(programOf('busybox', 'busybox-static'), join(root, 'bin/busybox'));
    for (const command of ['sh', 'sleep', 'cat', 'stat', 'id', 'ls', 'env', 'touch', 'sha256sum']) {
      symlinkSync('busybox', join(root, 'bin', command));
    }
    const archive = join(this.#folder, 'image.tar');
    spawnSync('tar', ['-C', root, '-cf', archive, '.']);
    const changes = ['CMD ["/bin/sleep", "3600"]', 'WORKDIR /home/hummingbot'];
    const flags = changes.flatMap((change) => ['--change', change]);
    if (this.docker('import', ...flags, archive, name).status !== 0) {
      throw new CommandError(`docker import: got an error for ${name}`);
    }
  }

  /** Removes containers and networks, ends the engine by its pid, and removes its folder. */
  async stop(): Promise<void> {
    const idsOf = (...words: readonly string[]): readonly string[] =>
      this.docker(...words, '--quiet')
        .stdout?.split('\n')
        .filter((id) => id !== '') ?? [];
    const containers = idsOf('ps', '--all');
    if (containers.length > 0) this.docker('rm', '--force', ...containers);
    // Each is an interface of this machine, which outlives the engine.
    const networks = idsOf('network', 'ls', '--filter', 'type=custom');
    if (networks.length > 0) this.docker('network', 'rm', ...networks);
    this.#process.kill('SIGTERM');
    const deadline = Date.now() + stopSeconds * 1000;
    while (this.#process.exitCode === null && this.#process.signalCode === null) {
      if (Date.now() > deadline) this.#process.kill('SIGKILL');
      await sleep(100);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
