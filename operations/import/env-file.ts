/**
 * Reads an env file. `sh`, Docker Compose v2 (compose-go's dotenv) and dotenv each read some lines
 * otherwise than the others: `X=pa#ss`, `X=a$B`, `X="a\"b"`. dotenv does the reading here; a
 * statement is taken over only in a form that all three read alike (test/e2e asks them), and every
 * other one is refused by its line.
 */
import { parse } from 'dotenv';
import { entryOf, type SecretKey } from '../../components/catalog.ts';
import { type Mistake, pulumiCommand } from '../../settings/mistake.ts';
import { Lines, type Mark } from './lines.ts';
import { join, keyOf, only, type Reading, shownPath } from './reading.ts';

/** The names that were met, and what dotenv makes of each statement; the last one counts. */
interface Statements {
  readonly names: Set<string>;
  readonly values: Map<string, string>;
}

export interface Again {
  readonly stack: string;
  /** The command to run once the file is mended. */
  readonly command: string;
}

/** Blank lines and comments. */
const nothing = /[ \t\r]*(?:#[^\n]*)?(?:\n|$)/uy;
const assignment = /[ \t]*(export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=/uy;
const restOfLine = /[^\n]*(?:\n|$)/uy;

/** The forms of a value that all readers take alike, each to the end of its line. */
const agreed: readonly RegExp[] = [
  // Compose takes a backslash before the quote for an escape.
  /'(?:[^'\r\0]*[^'\r\0\\])?'[ \t]*(?:[ \t]#[^\n]*)?(?:\n|$)/uy,
  /"[^"$`\\\r\0]*"[ \t]*(?:[ \t]#[^\n]*)?(?:\n|$)/uy,
  // Compose wants a blank before a comment, a tab is none, and takes `X= # a` for a value.
  /[\w.,:/@%+=!^-]+[ \t]*(?: #[^\n]*)?(?:\n|$)/uy,
  /[ \t]*(?:\n|$)/uy,
];

/** Values that end in the same place for all readers: enough for a name that is left out. */
const bounded: readonly RegExp[] = [
  /"(?:[^"`\\$]|\$(?![({])|\$\{\w+\})*"[ \t]*(?:[ \t]#[^\n]*)?(?:\n|$)/uy,
  /(?:[^\s"'`\\()<>|&;$]|\$(?![({])|\$\{\w+\})*(?:\n|$)/uy,
];
/** The same with blanks; behind `export`, `sh` would end at a second word that is no name. */
const boundedWithBlanks = /(?:[^\n"'`\\()<>|&;$]|\$(?![({])|\$\{\w+\})*(?:\n|$)/uy;

/** Reads all statements of a file; every one of its lines ends in one list of the reading. */
export function readEnvText(text: string, path: string, again: Again): Reading {
  const lines = new Lines(text.replace(/^\uFEFF/u, ''), shownPath(path));
  const readings: Reading[] = [];
  const statements: Statements = { names: new Set(), values: new Map() };
  while (!lines.ended) {
    if (lines.take(nothing) !== undefined) continue;
    readings.push(readStatement(lines, again, statements));
  }
  if (text.startsWith('\uFEFF')) {
    const what = `${shownPath(path)} line 1`;
    const allowed = 'UTF-8 without one, as sh reads it';
    const fix = `save the file without it, then ${again.command}`;
    readings.push(only({ mistakes: [{ what, got: 'a byte order mark', allowed, fix }] }));
  }
  const reading = join(readings);
  return reading.mistakes.length > 0 || agrees(text, statements)
    ? reading
    : join([reading, only({ mistakes: [otherwise(path, again)] })]);
}

function readStatement(lines: Lines, again: Again, { names, values }: Statements): Reading {
  const start = lines.mark();
  const [, exported, name] = lines.take(assignment) ?? [];
  if (name === undefined) return refuseLine(lines, again);
  names.add(name);
  const key = keyOf(name);
  if (lines.takeOne(agreed)) {
    const value = parse(lines.since(start))[name] ?? '';
    values.set(name, value);
    if (key !== undefined) return only({ found: [{ key, value, where: lines.where(start) }] });
  } else {
    const forms = exported === undefined ? [...bounded, boundedWithBlanks] : bounded;
    if (key !== undefined || !lines.takeOne(forms)) return refuseValue(lines, start, name, again);
  }
  const shown = isOrdinary(name, lines.since(start)) ? `"${name}"` : 'a name that is not shown';
  return only({ unknown: [`${shown} in ${lines.where(start)}`] });
}

/** The last line of a PEM without quotes looks like a name: `MHcCAQEE==`. */
function isOrdinary(name: string, statement: string): boolean {
  return /^(?:[A-Z][A-Z0-9_]*|[a-z][a-z0-9_]*)$/u.test(name) && !/==\s*$/u.test(statement);
}

function refuseLine(lines: Lines, again: Again): Reading {
  const start = lines.mark();
  const line = lines.take(restOfLine)?.[0] ?? '';
  const name = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)/u.exec(line)?.[1];
  const spaced = /^[ \t]*(?:export[ \t]+)?\w+(?:[ \t]+=|[ \t]*:)/u.test(line);
  const shown = name !== undefined && keyOf(name) !== undefined ? `, ${name}` : '';
  return refuse({
    what: `${lines.where(start)}${shown}`,
    got: spaced ? 'blanks before =, or a colon' : 'no assignment',
    allowed: 'NAME=VALUE, a comment or a blank line',
    fix: `mend that line, then ${again.command}`,
  });
}

function refuseValue(lines: Lines, start: Mark, name: string, again: Again): Reading {
  const value = lines.rest();
  const quote = /^['"]/u.exec(value)?.[0];
  const closed = quote === undefined ? undefined : quotedPart(value, quote);
  const got = quote === undefined ? takeUnquoted(lines, value) : takeQuoted(lines, quote, closed);
  const safe = keyOf(name) !== undefined || isOrdinary(name, lines.since(start));
  const shown = safe ? `, ${name}` : '';
  const ends = closed !== undefined || quote === undefined;
  return refuse({
    what: `${lines.where(start)}${shown}`,
    got,
    allowed: 'what sh, Docker Compose and dotenv read alike',
    fix: fixOf(keyOf(name), ends && lines.since(start).includes("'"), again),
  });
}

function fixOf(key: SecretKey | undefined, hasQuote: boolean, { stack, command }: Again): string {
  if (key === undefined || !hasQuote) {
    return `write the value as it is, with real line breaks, in single quotes and nothing behind them, then ${command}`;
  }
  const path = `--path '${entryOf(key).group}.${key}'`;
  const set = pulumiCommand(stack, 'config', 'set', '--secret', path);
  return `write it in single quotes, or, when it holds one, take it out and ${set}; then ${command}`;
}

/** The quoted part of a value, with its quotes; undefined when they never end. */
function quotedPart(value: string, quote: string): string | undefined {
  return (quote === "'" ? /^'[^']*'/u : /^"(?:\\[\s\S]|[^"\\])*"/u).exec(value)?.[0];
}

function takeQuoted(lines: Lines, quote: string, part: string | undefined): string {
  if (part === undefined) {
    // Everything to the end belongs to it, for every reader.
    lines.skip(lines.rest().length);
    return 'a quote that never ends';
  }
  lines.skip(part.length);
  lines.take(restOfLine);
  if (part.includes('\r')) return 'a carriage return in quotes';
  if (part.includes('\0')) return 'a NUL byte';
  if (quote === '"' && /[$`\\]/u.test(part)) {
    return 'a dollar, backtick or backslash in double quotes';
  }
  if (part.endsWith("\\'")) return 'a backslash before the closing quote';
  return 'something behind the closing quote';
}

function takeUnquoted(lines: Lines, value: string): string {
  const line = lines.take(restOfLine)?.[0] ?? '';
  if (/^[ \t]*-----BEGIN /u.test(line)) {
    const end = /\n[^\n]*-----END [^\n]*(?:\n|$)/u.exec(value);
    if (end !== null) lines.skip(end.index + end[0].length - line.length);
    return 'a PEM without quotes';
  }
  if (/\r\n?$/u.test(line)) return 'a carriage return at the end of the line';
  if (line.includes('`') || line.includes('$')) return 'a dollar or a backtick without quotes';
  if (/^[ \t]/u.test(line)) return 'a blank behind =';
  if (line.includes('#')) return 'a # without quotes';
  if (/\S[ \t]+\S/u.test(line)) return 'a blank without quotes';
  return 'a character that wants quotes';
}

function refuse(mistake: Mistake): Reading {
  return only({ mistakes: [mistake] });
}

/** Whether dotenv makes the same of the whole file as of its statements, one by one. */
function agrees(text: string, { names, values }: Statements): boolean {
  const whole = parse(text);
  const alike = [...values].every(([name, value]) => whole[name] === value);
  // A line separator of Unicode ends a line for dotenv alone.
  return alike && Object.keys(whole).every((name) => names.has(name));
}

function otherwise(path: string, { command }: Again): Mistake {
  return {
    what: shownPath(path),
    got: 'lines that dotenv reads otherwise as a whole than one by one',
    allowed: 'what sh, Docker Compose and dotenv read alike',
    fix: `write every value in single quotes, then ${command}`,
  };
}
