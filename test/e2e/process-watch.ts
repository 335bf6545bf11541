/** Arguments and environments of all processes of this machine, for as long as one looks (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const pauseMilliseconds = 100;

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
  samples = 0;
  #watching = true;
  readonly #done: Promise<void>;

  constructor() {
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      for (const name of readdirSync('/proc').filter((each) => /^\d+$/u.test(each))) {
        this.arguments.add(read(`/proc/${name}/cmdline`));
        this.environments.add(read(`/proc/${name}/environ`));
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
