/** A text that is taken from its start, and says on which lines a part stands. */

export interface Mark {
  readonly at: number;
  readonly line: number;
}

export class Lines {
  readonly #text: string;
  readonly #path: string;
  #at = 0;
  #line = 1;

  /** @param path as it is shown */
  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  mark(): Mark {
    return { at: this.#at, line: this.#line };
  }

  /** @param form a sticky expression; taken when it matches here */
  take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at;
    const match = form.exec(this.#text) ?? undefined;
    if (match !== undefined) this.skip(match[0].length);
    return match;
  }

  /** @returns whether one of the forms matched, and was taken */
  takeOne(forms: readonly RegExp[]): boolean {
    return forms.some((form) => this.take(form) !== undefined);
  }

  skip(characters: number): void {
    const end = this.#at + characters;
    this.#line += breaks(this.#text.slice(this.#at, end));
    this.#at = end;
  }

  rest(): string {
    return this.#text.slice(this.#at);
  }

  since({ at }: Mark): string {
    return this.#text.slice(at, this.#at);
  }

  /** "FILE line 3", "FILE lines 3-9": from a mark to what was taken last. */
  where(start: Mark): string {
    const last = start.line + breaks(this.since(start).trimEnd());
    const numbers = start.line === last ? `line ${last}` : `lines ${start.line}-${last}`;
    return `${this.#path} ${numbers}`;
  }
}

function breaks(text: string): number {
  return text.split('\n').length - 1;
}
