/** Values that try what a target can carry. */

/** Every printable character of ASCII. */
export const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at)).join(
  '',
);

/** One line of every class of bytes that a value may have: ASCII, a tab, two, three and four bytes. */
export const everyByteClass = `a${printable}\tłż€漢🐢z`;
