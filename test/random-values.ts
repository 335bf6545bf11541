/** Random values that keys could have, or that somebody could take for theirs; the same for the same seed. */
import fc from 'fast-check';
import { maxValueBytes, type Shape } from '../components/shape.ts';
import { seededBytes } from './fuzz-seed.ts';

export interface Tried {
  readonly shape: Shape;
  readonly value: string;
}

const label = ['EC', 'PRIVATE', 'KEY'].join(' ');
const pemOf = (seed: number, bytes: number, ending: string): string => {
  const lines =
    seededBytes(seed, 'pem', bytes)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join(ending);
};

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 8 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        "'",
        '"',
        '$',
        '`',
        '\\',
        '#',
        '=',
        ' ',
        '\t',
        '!',
        '%s',
        '~',
        '{{x}}',
        'ż',
        '🐢',
        '\u00a0',
      ],
      ...['${HOME}', '$(id)', '$(V0)', '$$', '`id`', '\\n', '\\u0041', '"\'', '&&', '*', ';', ','],
      ':',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r\n', '\r', '\0', '\u0001', '\u2028', '\ufeff') },
);

const line = fc
  .array(piece, { minLength: 1, maxLength: 7 })
  .map((pieces): Tried => ({ shape: 'line', value: pieces.join('') }));
/** Around the most that is allowed, by characters of one, two and four bytes. */
const long = fc
  .tuple(fc.constantFrom('x', 'ż', '🐢'), fc.integer({ min: -4, max: 4 }))
  .map(([character, more]): Tried => {
    const times = Math.ceil((maxValueBytes + more) / Buffer.byteLength(character));
    return { shape: 'line', value: character.repeat(times) };
  });
const pem = fc
  .tuple(fc.nat(), fc.integer({ min: 1, max: 400 }), fc.constantFrom('\n', '\n', '\n', '\r\n', ' '))
  .map(([seed, bytes, ending]): Tried => ({ shape: 'pem', value: pemOf(seed, bytes, ending) }));
/** Whole, without its padding, in lines, of the alphabet of URLs, and with a line feed at the end. */
const base64 = fc
  .tuple(fc.nat(), fc.integer({ min: 1, max: 120 }), fc.nat(9))
  .map(([seed, length, spoilt]): Tried => {
    const bytes = seededBytes(seed, 'base64', length);
    const whole = bytes.toString('base64');
    const spoil: Readonly<Record<number, string>> = {
      0: whole.replace(/=+$/u, ''),
      1: whole.replaceAll(/.{16}/gu, '$&\n'),
      2: bytes.toString('base64url'),
      3: `${whole}\n`,
    };
    return { shape: 'base64', value: spoil[spoilt] ?? whole };
  });

/** Short ones among them. */
const password = line.map(({ value }): Tried => ({ shape: 'password', value }));

const any = fc.oneof(
  { weight: 75, arbitrary: line },
  { weight: 5, arbitrary: password },
  { weight: 1, arbitrary: long },
  { weight: 10, arbitrary: pem },
  { weight: 9, arbitrary: base64 },
);

/** The same for the same seed. */
export function randomValues(seed: number, count: number): readonly Tried[] {
  return fc.sample(any, { seed, numRuns: count });
}
