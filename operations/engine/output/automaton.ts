/**
 * Finds many patterns in one pass over bytes, whatever chunks they come in (Aho and Corasick, 1975).
 * The state is the caller's, a number, so that a search goes on where the last chunk ended.
 */

export interface Pattern {
  readonly bytes: Uint8Array;
  /** What a match is called. */
  readonly name: string;
}

export const start = 0;

export class Automaton {
  readonly #names: readonly string[];
  /** The tree: first child, next sibling and byte of each node; 0 is the root, and none. */
  readonly #child: Int32Array;
  readonly #sibling: Int32Array;
  readonly #byte: Uint8Array;
  /** Children of the root by their byte: where most text stays. */
  readonly #first = new Int32Array(256);
  /** The longest other node that the same text ends at. */
  readonly #fall: Int32Array;
  readonly #depth: Int32Array;
  /** Length of the longest pattern that ends here, and whose it is. */
  readonly #longest: Int32Array;
  readonly #whose: Int32Array;

  constructor(patterns: readonly Pattern[]) {
    const size = patterns.reduce((sum, { bytes }) => sum + bytes.length, 1);
    const numbers = (): Int32Array => new Int32Array(size);
    this.#names = patterns.map(({ name }) => name);
    this.#child = numbers();
    this.#sibling = numbers();
    this.#fall = numbers();
    this.#depth = numbers();
    this.#longest = numbers();
    this.#whose = numbers();
    this.#byte = new Uint8Array(size);
    let count = 1;
    patterns.forEach(({ bytes }, at) => {
      let node = start;
      for (const byte of bytes) {
        let next = this.#below(node, byte);
        if (next === 0) {
          next = count++;
          this.#byte[next] = byte;
          this.#depth[next] = this.depth(node) + 1;
          this.#sibling[next] = this.#child[node] ?? 0;
          this.#child[node] = next;
          if (node === start) this.#first[byte] = next;
        }
        node = next;
      }
      if (node !== start && this.#longest[node] === 0) {
        this.#longest[node] = bytes.length;
        this.#whose[node] = at;
      }
    });
    this.#link(count);
  }

  /** Level by level, so that what a node falls back to is known before it. */
  #link(count: number): void {
    const queue = new Int32Array(count);
    let end = 1;
    for (let at = 0; at < end; at++) {
      const node = queue[at] ?? 0;
      for (let next = this.#child[node] ?? 0; next !== 0; next = this.#sibling[next] ?? 0) {
        queue[end++] = next;
        const fall =
          node === start ? start : this.step(this.#fall[node] ?? 0, this.#byte[next] ?? 0);
        this.#fall[next] = fall;
        if (this.#longest[next] === 0) {
          this.#longest[next] = this.#longest[fall] ?? 0;
          this.#whose[next] = this.#whose[fall] ?? 0;
        }
      }
    }
  }

  #below(node: number, byte: number): number {
    if (node === start) return this.#first[byte] ?? 0;
    let next = this.#child[node] ?? 0;
    while (next !== 0 && this.#byte[next] !== byte) next = this.#sibling[next] ?? 0;
    return next;
  }

  /** The state behind one more byte; over a whole text, a constant time a byte. */
  step(state: number, byte: number): number {
    let node = state;
    while (node !== start) {
      const next = this.#below(node, byte);
      if (next !== 0) return next;
      node = this.#fall[node] ?? 0;
    }
    return this.#first[byte] ?? 0;
  }

  /** How many of the last bytes may be the beginning of a pattern. */
  depth(state: number): number {
    return this.#depth[state] ?? 0;
  }

  /** How many of the last bytes are a pattern: of those that end here the longest; 0 for none. */
  matched(state: number): number {
    return this.#longest[state] ?? 0;
  }

  /** Name of that pattern. */
  nameAt(state: number): string {
    return this.#names[this.#whose[state] ?? 0] ?? '';
  }
}
