/** Asks for a value at the terminal, and shows nothing of it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Ctrl-C, or Ctrl-D, in place of a value. */
export class Interrupted extends Error {}

/** Lines from a terminal, which does not show them. */
export class Prompt {
  readonly #lines: AsyncIterator<string>;
  readonly #close: () => void;
  readonly #say: (text: string) => void;

  /** @param say writes to the terminal. @default - to the standard error */
  constructor(
    input: NodeJS.ReadableStream = process.stdin,
    say = (text: string): void => void process.stderr.write(text),
  ) {
    this.#say = say;
    // Readline itself echoes what is typed: into nothing.
    const output = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input, output, terminal: true, historySize: 0 });
    this.#close = () => lines.close();
    lines.on('SIGINT', () => lines.close());
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /**
   * @param what is asked for, such as the path of a key
   * @param ends whether a line is the last one of a value of several
   * @throws Interrupted
   */
  async ask(what: string, ends: (line: string) => boolean = () => true): Promise<string> {
    this.#say(`${what}: `);
    const value: string[] = [];
    for (;;) {
      const { done, value: line } = await this.#lines.next();
      if (done === true) {
        this.#say('\n');
        throw new Interrupted();
      }
      value.push(line);
      // An empty line is no value of any kind: nobody waits for the end of a PEM behind it.
      if (ends(line) || value.join('') === '') {
        this.#say('\n');
        return value.join('\n');
      }
    }
  }

  end(): void {
    this.#close();
  }
}
