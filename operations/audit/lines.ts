/** Lines of a log of any size, also a compressed one, in memory that does not grow with it. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Bytes; a longer line is none that a log of this kind has. */
const longestLine = 4 * 1024 * 1024;
const newline = 0x0a;
const gzipMagic = [0x1f, 0x8b];

/** @returns the file's bytes, opened if they are gzip's; `-` is the standard input */
export async function openLog(path: string): Promise<Readable> {
  const file = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 });
  const first = await firstBytes(file);
  if (gzipMagic.every((byte, at) => first[at] === byte)) {
    const plain = createGunzip();
    file.on('error', (error: Error) => plain.destroy(error));
    return file.pipe(plain);
  }
  return file;
}

/** Looks at the beginning and puts it back. */
async function firstBytes(stream: Readable): Promise<Buffer> {
  return await new Promise((settle, fail) => {
    const ready = (): void => {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null && !stream.readableEnded && stream.readableLength > 0) return;
      stream.off('readable', ready).off('error', fail).off('end', ended);
      if (chunk !== null) stream.unshift(chunk);
      settle(chunk ?? Buffer.alloc(0));
    };
    const ended = (): void => settle(Buffer.alloc(0));
    stream.on('readable', ready).on('error', fail).on('end', ended);
  });
}

/** A line, or undefined for one that is too long. The last one may be half: it has no end yet. */
export async function* linesOf(
  stream: Readable,
): AsyncGenerator<{ readonly text: string | undefined; readonly whole: boolean }> {
  let rest: Buffer[] = [];
  let length = 0;
  let tooLong = false;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const part = chunk.subarray(from, at);
      from = at + 1;
      if (tooLong || length + part.length > longestLine) yield { text: undefined, whole: true };
      else
        yield {
          text: length === 0 ? part.toString() : Buffer.concat([...rest, part]).toString(),
          whole: true,
        };
      rest = [];
      length = 0;
      tooLong = false;
    }
    const part = chunk.subarray(from);
    length += part.length;
    if (length > longestLine) {
      rest = [];
      tooLong = true;
    } else if (part.length > 0) rest.push(Buffer.from(part));
  }
  if (length > 0) {
    yield { text: tooLong ? undefined : Buffer.concat(rest).toString(), whole: false };
  }
}
