/**
 * What a value looks like in output: as it is, and in the encodings that programs print. Line breaks,
 * with the blanks behind them, are left out, because a search passes over them: that is how a PEM
 * stands in indented YAML, and base64 in lines of 76.
 */
import type { Pattern } from './automaton.ts';

/** What is shorter stands in ordinary text, too. */
export const shortestBytes = 8;
/** A line of a value of several that is worth a search alone. */
const shortestLine = 16;
/** What every PEM has. */
const pemMarker = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/u;

/** Base64 of a value at any place of a longer text: one form an alignment, and one where it ends. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const over = (offset + bytes.length) % 3;
    // Characters that also depend on the neighbours.
    const before = [0, 2, 3][offset] ?? 0;
    const behind = [0, 3, 2][over] ?? 0;
    const last = encoded.replace(/=+$/u, '').slice(before);
    return over === 0 ? [last] : [last, encoded.slice(before, encoded.length - behind)];
  });
}

function urlForms(text: string): readonly string[] {
  const encoded = encodeURIComponent(text);
  const lower = encoded.replaceAll(/%[0-9A-F]{2}/gu, (code) => code.toLowerCase());
  const strict = encoded.replaceAll(
    /[!'()*]/gu,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  // As forms are sent, which leave the star alone and nothing else of those.
  const form = new URLSearchParams({ text }).toString().slice('text='.length);
  return [
    encoded,
    lower,
    strict,
    form,
    encoded.replaceAll('%20', '+'),
    strict.replaceAll('%20', '+'),
  ];
}

/** As JavaScript writes it, as Go does, and each inside of another JSON text. */
function jsonForms(text: string): readonly string[] {
  const once = JSON.stringify(text).slice(1, -1);
  const go = once.replaceAll(
    /[<>&\u2028\u2029]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const ascii = once.replaceAll(
    /[\u0080-\uffff]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [once, go, ascii].flatMap((form) => [form, JSON.stringify(form).slice(1, -1)]);
}

function shellForms(text: string): readonly string[] {
  return [
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    // YAML's single quotes
    text.replaceAll("'", "''"),
    text.replaceAll(/[$`"\\!]/gu, '\\$&'),
    // printf %q
    text.replaceAll(/[^\w@%+=:,./\u0080-\u{10ffff}-]/gu, '\\$&'),
  ];
}

function formsOfText(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  const base64 = base64Forms(bytes);
  return [
    ...[text, hex, hex.toUpperCase(), ...base64],
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
    ...[...urlForms(text), ...jsonForms(text), ...shellForms(text)],
  ];
}

/** Takes out what a search passes over. */
export function withoutBreaks(text: string): string {
  return text.replaceAll(/[\r\n][\r\n \t]*/gu, '');
}

/** Whether a search passes over a byte. @param broken whether a line break stands before it */
export function isPassedOver(byte: number, broken: boolean): boolean {
  return byte === 0x0a || byte === 0x0d || (broken && (byte === 0x20 || byte === 0x09));
}

/** Every form of a value, and of its longer lines; none of a value that is too short. */
export function formsOf(value: string): readonly string[] {
  const lines = value.split(/\r?\n/u);
  const parts = lines.length === 1 ? [] : lines.filter((line) => line.length >= shortestLine);
  const texts = [value, ...parts.filter((line) => !pemMarker.test(line))];
  const forms = texts
    .filter((text) => Buffer.byteLength(text) >= shortestBytes)
    .flatMap((text) => formsOfText(text).map(withoutBreaks));
  return [...new Set(forms)].filter((form) => Buffer.byteLength(form) >= shortestBytes);
}

/** @param values by the name that a match is to have */
export function patternsOf(values: ReadonlyMap<string, string>): readonly Pattern[] {
  return [...values].flatMap(([name, value]) =>
    formsOf(value).map((form) => ({ name, bytes: Buffer.from(form) })),
  );
}
