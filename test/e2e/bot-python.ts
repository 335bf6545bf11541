/**
 * The bot's own Python with one release of Hummingbot, at the places of its image: the system of
 * rehearsal/images, read-only; its home and /run writable. No container and no server.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { within } from '../../rehearsal/images/debian.ts';
import {
  botBuilder,
  botPackage,
  pythonOfBot,
  type Release,
} from '../../rehearsal/images/hummingbot.ts';

const home = '/home/hummingbot';

const enter = `
set -e
mount --bind ${home}/.venv /mnt/home/.venv
mount --rbind /mnt/home ${home}
mount -t tmpfs tmpfs /run
mkdir -m 700 /run/hummingbot
cd ${home}
exec ${pythonOfBot} "$@"
`;

export class BotPython {
  readonly #root: string;
  readonly #work: string;

  static async of(release: Release): Promise<BotPython> {
    return new BotPython(await botBuilder(), await botPackage(release));
  }

  private constructor(root: string, compiled: string) {
    this.#root = root;
    this.#work = mkdtempSync(join(tmpdir(), 'bot-python-'));
    mkdirSync(join(this.#work, 'home', '.venv'), { recursive: true });
    mkdirSync(join(this.#work, 'home', 'conf'));
    // A copy: what it imports is compiled beside it.
    cpSync(join(compiled, 'hummingbot'), join(this.#work, 'home', 'hummingbot'), {
      recursive: true,
    });
  }

  remove(): void {
    rmSync(this.#work, { recursive: true });
  }

  /** Puts a file beside the program that runs. */
  put(name: string, content: string): void {
    writeFileSync(join(this.#work, name), content);
  }

  /**
   * Runs a program of this folder.
   * @param input JSON on its standard input
   * @returns JSON of its last line
   */
  ask(
    program: string,
    input: unknown,
    { words = [], env = {} }: { words?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ): unknown {
    copyFileSync(join(import.meta.dirname, program), join(this.#work, basename(program)));
    const inside = { root: this.#root, access: 'read', fetches: false, work: this.#work } as const;
    const command = ['sh', '-c', enter, 'enter', `/mnt/${basename(program)}`, ...words];
    const [first = '', ...args] = within(inside, command);
    const { status, stdout, stderr } = spawnSync(first, args, {
      input: JSON.stringify(input),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C.UTF-8',
        HOME: '/root',
        PYTHONPATH: home,
        PYTHONPYCACHEPREFIX: '/mnt/bytecode',
        ...env,
      },
    });
    if (status !== 0) throw new Error(`${program}: exit code ${status}: ${stderr.slice(-2000)}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  }
}
