/**
 * What a stack is made from but for its values: its settings and the program, as one word. Where it is
 * the word of the last `up`, a change of values adds and removes nothing that is protected.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { base32 } from '@scure/base';
import { parseDocument } from 'yaml';
import { groupNames } from '../components/catalog.ts';
import { stackFilePath } from './stack-file.ts';

const projectDirectory = join(import.meta.dirname, '..');
/** Whatever decides which resources there are; below each folder all of it. */
const program = ['components', 'settings', 'plugins'];
const single = ['index.ts', 'settings.ts', 'main.js', 'Pulumi.yaml', 'package-lock.json'];
/** As long as a tag. */
const length = 10;

/** Of the stack that is running, by the file that Pulumi reads; of one that is not protected nobody asks. */
export function runningMadeFrom(of: {
  readonly stack: string;
  readonly protect: boolean;
}): string | undefined {
  return of.protect ? madeFrom(stackFilePath(of.stack)) : undefined;
}

/**
 * @param path of the stack file
 * @returns undefined when the file does not hold all settings
 */
export function madeFrom(path: string): string | undefined {
  const settings = settingsIn(path);
  if (settings === undefined) return undefined;
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const name of [...single, ...program.flatMap(filesBelow)]) {
    const content = readFileSync(join(projectDirectory, name));
    hash.update(`${name}\n${content.length}\n`).update(content);
  }
  return base32.encode(hash.digest()).slice(0, length).toLowerCase();
}

/** Sorted, without values and what a rotation writes down; what else is encrypted is its ciphertext. */
function settingsIn(path: string): readonly unknown[] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { config = {}, environment } = (parseDocument(text).toJS() ?? {}) as {
    config?: Readonly<Record<string, unknown>>;
    environment?: unknown;
  };
  if (environment !== undefined) return undefined;
  const left = new Set<string>([...groupNames, 'rotation']);
  return Object.entries(config ?? {})
    .filter(([name]) => !left.has(name.split(':').at(-1) ?? ''))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(projectDirectory, folder), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => relative(projectDirectory, join(each.parentPath, each.name)))
    .toSorted();
}
