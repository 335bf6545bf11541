/**
 * Takes values out of a stream: `[secret]` stands in the place of each, in every encoding of
 * value-forms.ts, also where chunks or lines part it. All else passes as it is, at once: held back is
 * only what may be the beginning of a value. Linear in the output.
 */
import { Transform, type TransformCallback } from 'node:stream';
import { Automaton, start } from './automaton.ts';
import { isPassedOver, patternsOf } from './value-forms.ts';

const mask = Buffer.from('[secret]');
/** So few bytes of a value say nothing, and a prompt may end in them: they wait this long. */
const fewBytes = 3;
const waitMilliseconds = 40;

/** A part of the stream, by its bytes from the stream's beginning. */
interface Range {
  readonly from: number;
  readonly to: number;
}

export class Scrubber extends Transform {
  readonly #automaton: Automaton;
  #state = start;
  #broken = false;
  /** Bytes that were not passed on yet, and where the first of them stands. */
  #held: Buffer = Buffer.alloc(0);
  #passed = 0;
  /** Where those bytes stand that may begin a value; line breaks are none of them. */
  #places: number[] = [];
  #found: Range[] = [];
  /** End of what was masked last. */
  #masked = -1;
  #timer: NodeJS.Timeout | undefined;

  /** @param values by their names; those of less than 8 bytes are not looked for */
  constructor(values: ReadonlyMap<string, string>) {
    super();
    this.#automaton = new Automaton(patternsOf(values));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    clearTimeout(this.#timer);
    const from = this.#passed + this.#held.length;
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (let at = 0; at < chunk.length; at++) this.#read(chunk[at] ?? 0, from + at);
    this.#places = this.#places.slice(-this.#depth || this.#places.length);
    const end = this.#passed + this.#held.length;
    this.#pass(this.#depth === 0 ? end : (this.#places[0] ?? end));
    if (this.#held.length > 0 && this.#depth <= fewBytes) {
      this.#timer = setTimeout(() => this.#pass(end), waitMilliseconds);
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    clearTimeout(this.#timer);
    this.#pass(this.#passed + this.#held.length);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }

  get #depth(): number {
    return this.#automaton.depth(this.#state);
  }

  #read(byte: number, place: number): void {
    this.#broken = isPassedOver(byte, this.#broken);
    if (this.#broken) return;
    this.#state = this.#automaton.step(this.#state, byte);
    if (this.#state === start) {
      if (this.#places.length > 0) this.#places = [];
      return;
    }
    this.#places.push(place);
    const length = this.#automaton.matched(this.#state);
    if (length === 0) return;
    let from = this.#places.at(-length) ?? place;
    // Matches end one behind the other, so those that touch are the last ones.
    while ((this.#found.at(-1)?.to ?? -1) >= from)
      from = Math.min(from, this.#found.pop()?.from ?? from);
    this.#found.push({ from, to: place + 1 });
  }

  /** Passes on what stands before a place, without what was found in it. */
  #pass(end: number): void {
    const begin = this.#passed;
    const piece = (from: number, to: number): Buffer =>
      this.#held.subarray(from - begin, to - begin);
    let at = begin;
    for (const { from, to } of this.#found) {
      const first = Math.max(from, at);
      if (first >= end) break;
      const last = Math.min(to, end);
      if (last <= first) continue;
      if (first > at) this.push(piece(at, first));
      if (this.#masked !== first) this.push(mask);
      this.#masked = last;
      at = last;
    }
    if (end > at) this.push(piece(at, end));
    this.#found = this.#found.filter(({ to }) => to > end);
    this.#held = piece(end, begin + this.#held.length);
    this.#passed = end;
  }
}

/** A text without values, as a stream would give it. */
export function scrubbed(text: string, values: ReadonlyMap<string, string>): string {
  const scrubber = new Scrubber(values);
  scrubber.end(text);
  return (scrubber.read() as Buffer | null)?.toString() ?? '';
}
