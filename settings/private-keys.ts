/** Finds private keys of age in files: one in the tree is one `git add` away from all who read it. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As age-keygen prints it; the one of post-quantum keys too. */
const key = /AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{50}/u;
/** As a Kubernetes Secret holds it, or `base64` prints it: long enough for a key. */
const encoded = /(?:[A-Za-z0-9+/]{60,}\s+)*[A-Za-z0-9+/]{16,}={0,2}/gu;
const shortestEncoded = 90;

const skipped = new Set(['.git', '.local', 'node_modules']);
/** A file of keys is small. */
const largestFile = 65_536;

/** Whether a text holds a private key, as it is or in base64. */
export function hasPrivateKey(text: string): boolean {
  return (
    key.test(text) ||
    (text.match(encoded) ?? []).some(
      (part) =>
        part.length >= shortestEncoded && key.test(Buffer.from(part, 'base64').toString('latin1')),
    )
  );
}

/** Paths of files with a private key below directories; links are not followed. */
export function privateKeysBelow(directories: Iterable<string>): readonly string[] {
  const paths = new Set([...directories].flatMap((directory) => filesBelow(directory)));
  return [...paths].filter((path) => {
    try {
      // A shell of Windows writes UTF-16: each second byte is a NUL.
      return hasPrivateKey(readFileSync(path, 'latin1').replaceAll('\0', ''));
    } catch {
      // What is not ours to read has nothing that we could show.
      return false;
    }
  });
}

function filesBelow(directory: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return skipped.has(name) ? [] : filesBelow(path);
    return stat?.isFile() && stat.size <= largestFile ? [path] : [];
  });
}
