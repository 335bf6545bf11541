/**
 * Canaries: values that must be found nowhere but where they are delivered to. `leaks` looks for
 * them in every form that a log, a state or a rendered file would give them.
 */
import { randomBytes } from 'node:crypto';

/** A value of one line that nothing else contains. */
export function makeCanary(name: string): string {
  return `canary-${name}-${randomBytes(12).toString('hex')}`;
}

/** Base64 of a value that stands at any place of a longer text: one form an alignment. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The first and last characters also depend on the neighbours.
    const first = [0, 2, 3][offset] ?? 0;
    const last = [0, 3, 2][(offset + bytes.length) % 3] ?? 0;
    const end = encoded.length - ((offset + bytes.length) % 3 === 0 ? 0 : last);
    return encoded.slice(first, end).replace(/=+$/u, '');
  });
}

/** A line of a value that is worth a search alone; a shorter one may stand anywhere. */
const shortestLine = 16;
/** What every PEM has, also a placeholder. */
const pemMarker = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/u;

/** Lines of a value of several that hold something of it, by their number from 1. */
function linesOf(value: string): readonly (readonly [number, string])[] {
  const lines = value.split(/\r?\n/u);
  if (lines.length === 1) return [];
  return lines
    .map((line, at) => [at + 1, line] as const)
    .filter(([, line]) => line.length >= shortestLine && !pemMarker.test(line));
}

const known = new Map<string, ReadonlyMap<string, string>>();

/**
 * Every form of a value, by the name of its encoding: of the whole, and of each of its lines,
 * because logs, YAML and wrapped text part them.
 */
export function formsOf(value: string): ReadonlyMap<string, string> {
  const found = known.get(value);
  if (found !== undefined) return found;
  const forms = new Map(encodingsOf(value));
  for (const [number, line] of linesOf(value)) {
    for (const [encoding, form] of encodingsOf(line)) forms.set(`${encoding} line ${number}`, form);
  }
  known.set(value, forms);
  return forms;
}

function encodingsOf(value: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(value, 'utf8');
  const forms = new Map([
    ['plain', value],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['URL', encodeURIComponent(value)],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['JSON twice', JSON.stringify(JSON.stringify(value)).slice(3, -3)],
    ['reversed', [...value].reverse().join('')],
  ]);
  base64Forms(bytes).forEach((form, offset) => {
    forms.set(`base64 at ${offset}`, form);
    forms.set(`base64url at ${offset}`, form.replaceAll('+', '-').replaceAll('/', '_'));
  });
  return forms;
}

/**
 * Looks for canaries.
 * @returns "<canary's name> as <encoding>" for each hit; never the value
 */
export function leaks(
  haystack: string | Buffer,
  canaries: ReadonlyMap<string, string>,
): readonly string[] {
  const bytes = typeof haystack === 'string' ? Buffer.from(haystack, 'utf8') : haystack;
  return [...canaries].flatMap(([name, value]) =>
    [...formsOf(value)]
      .filter(([, form]) => bytes.includes(form, 0, 'utf8'))
      .map(([encoding]) => `${name} as ${encoding}`),
  );
}
