/** Arguments and environments of all processes of this machine, for as long as one looks (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const pauseMilliseconds = 100;

/**
 * The process of a Pulumi program: its language host hands the configuration over in its
 * environment (PULUMI_CONFIG), values in plain, as Pulumi does everywhere. Only its user and root
 * can read it, and it is gone with the run.
 */
const pulumiProgram = /\/@pulumi\/pulumi\/cmd\/run\//u;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1').replaceAll('\0', '\n');
  } catch {
    return ''; // Ended meanwhile, or a thread of the kernel.
  }
}

export class ProcessWatch {
  /** Each text once. */
  readonly arguments = new Set<string>();
  readonly environments = new Set<string>();
  /** Those of Pulumi programs. */
  readonly programs = new Set<string>();
  samples = 0;
  #watching = true;
  readonly #done: Promise<void>;

  constructor() {
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      for (const name of readdirSync('/proc').filter((each) => /^\d+$/u.test(each))) {
        const command = read(`/proc/${name}/cmdline`);
        const environment = read(`/proc/${name}/environ`);
        // Another one by now, when it was started between the two looks; or it has ended.
        const then = read(`/proc/${name}/cmdline`);
        this.arguments.add(command).add(then);
        const isProgram = pulumiProgram.test(command) || pulumiProgram.test(then);
        if (isProgram) this.programs.add(environment);
        else if (then === command) this.environments.add(environment);
      }
      this.samples += 1;
      await sleep(pauseMilliseconds);
    }
  }

  async stop(): Promise<void> {
    this.#watching = false;
    await this.#done;
  }
}
