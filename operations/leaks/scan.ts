/** Looks through one file, of any size and kind, in pieces: memory and time are bounded by a window. */
import { type Automaton, start } from '../engine/output/automaton.ts';
import { isPassedOver } from '../engine/output/value-forms.ts';
import { hitsIn } from './rules.ts';
import { yamlHits } from './yaml-file.ts';

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly rule: string;
  /** What a line of .leaks-allowed begins with: the file's content by git, the line and the rule. */
  readonly fingerprint: string;
}

/** Looked at together; a secret is shorter than the overlap. */
const windowBytes = 4 * 1024 * 1024;
const overlapBytes = 32 * 1024;
/** YAML is parsed whole; a longer one is looked at as text. */
const longestYaml = 1024 * 1024;
const lineFeed = 0x0a;

export class Scan {
  readonly #path: string;
  readonly #values: Automaton | undefined;
  readonly #found = new Map<string, Omit<Finding, 'fingerprint'>>();
  #window: Buffer[] = [];
  #size = 0;
  /** Lines before the window, and before the end of all. */
  #linesBefore = 0;
  #lines = 0;
  #whole = true;
  #binary: boolean | undefined;
  #state = start;
  #broken = false;

  /** @param values finds values of the stacks */
  constructor(path: string, values?: Automaton) {
    this.#path = path;
    this.#values = values;
  }

  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += windowBytes)
      this.#takePiece(bytes.subarray(at, at + windowBytes));
  }

  #takePiece(piece: Buffer): void {
    this.#lookForValues(piece);
    this.#window.push(piece);
    this.#size += piece.length;
    if (this.#size < windowBytes) return;
    this.#whole = false;
    this.#look();
  }

  /** @param id of the content, by git @returns what was found, by line */
  end(id: string): readonly Finding[] {
    this.#look();
    return [...this.#found.values()]
      .map((found) => ({
        ...found,
        fingerprint: `${id.slice(0, 12)}:${found.line}:${found.rule}`,
      }))
      .sort((a, b) => a.line - b.line);
  }

  #look(): void {
    const bytes = Buffer.concat(this.#window);
    this.#binary ??= bytes.subarray(0, 8192).includes(0) && !isUtf16(bytes);
    const raw = bytes.toString('latin1');
    const text = raw.includes('\0') ? raw.replaceAll('\0', '') : raw;
    for (const { rule, at } of hitsIn(text, this.#binary)) {
      this.#note(rule, this.#linesBefore + linesIn(text, at) + 1);
    }
    if (this.#whole && bytes.length <= longestYaml) {
      for (const { rule, line } of yamlHits(this.#path, bytes)) this.#note(rule, line);
    }
    const rest = bytes.subarray(Math.max(0, bytes.length - overlapBytes));
    this.#linesBefore += linesIn(raw, raw.length - rest.length);
    this.#window = [rest];
    this.#size = rest.length;
  }

  /** Values of the stacks, in whatever encoding, also over the ends of pieces. */
  #lookForValues(bytes: Buffer): void {
    const values = this.#values;
    if (values === undefined) return;
    for (const byte of bytes) {
      this.#broken = isPassedOver(byte, this.#broken);
      if (byte === lineFeed) this.#lines += 1;
      if (this.#broken) continue;
      this.#state = values.step(this.#state, byte);
      if (values.matched(this.#state) > 0) {
        this.#note(`value of ${values.nameAt(this.#state)}`, this.#lines + 1);
      }
    }
  }

  #note(rule: string, line: number): void {
    this.#found.set(`${rule} ${line}`, { path: this.#path, line, rule });
  }
}

function linesIn(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1))
    count += 1;
  return count;
}

function isUtf16(bytes: Buffer): boolean {
  return bytes.length > 1 && [0xfffe, 0xfeff].includes(bytes.readUInt16BE(0));
}
