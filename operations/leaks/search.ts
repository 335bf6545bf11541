/** Looks through files, the index or the history, and says where a secret stands in the clear. */
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Automaton } from '../engine/output/automaton.ts';
import { isPrivatePath } from './private-file.ts';
import type { Named, Repository } from './repository.ts';
import { type Finding, Scan } from './scan.ts';

export interface Search {
  readonly findings: readonly Finding[];
  /** Files or objects that were read, and their bytes. */
  readonly count: number;
  readonly bytes: number;
}

/** Files as they lie in the working tree; also those that git does not know yet. */
export async function searchTree(repository: Repository, values?: Automaton): Promise<Search> {
  const findings = privateFiles((await repository.tracked()).map((path) => ({ id: '', path })));
  let [count, bytes] = [0, 0];
  for (const path of await repository.files()) {
    const whole = join(repository.directory, path);
    const stat = lstatSync(whole, { throwIfNoEntry: false });
    // Deleted and not yet committed, or a submodule.
    if (stat === undefined || stat.isDirectory()) continue;
    const scan = new Scan(path, values);
    const hash = createHash('sha1').update(`blob ${stat.size}\0`);
    const take = (piece: Buffer): void => {
      hash.update(piece);
      scan.take(piece);
    };
    if (stat.isSymbolicLink()) take(readlinkSync(whole, { encoding: 'buffer' }));
    else if (stat.isFile()) {
      for await (const piece of createReadStream(whole) as AsyncIterable<Buffer>) take(piece);
    }
    findings.push(...scan.end(hash.digest('hex')));
    count += 1;
    bytes += stat.size;
  }
  return { findings, count, bytes };
}

/** What is staged for the next commit. */
export async function searchStaged(repository: Repository, values?: Automaton): Promise<Search> {
  const staged = await repository.staged();
  const found = await searchObjects(repository, staged, values);
  return { ...found, findings: [...privateFiles(staged), ...found.findings] };
}

/**
 * Every commit, message and file of the history; each content once.
 * @param from where it begins. @default - at HEAD and every reference, stashes too
 */
export async function searchHistory(
  repository: Repository,
  values?: Automaton,
  from?: readonly string[],
): Promise<Search> {
  if (!(await repository.hasCommits())) return { findings: [], count: 0, bytes: 0 };
  const begin = from ?? ['--all', 'HEAD'];
  const ever = await repository.pathsEver(begin);
  const first = new Map(ever.map((each) => [each.path, each] as const));
  const found = await searchObjects(repository, await repository.objects(begin), values);
  return { ...found, findings: [...privateFiles([...first.values()]), ...found.findings] };
}

function privateFiles(files: readonly Named[]): Finding[] {
  return files
    .filter(({ path }) => isPrivatePath(path))
    .map(({ id, path }) => ({
      path: id === '' ? path : `${path} in ${id.slice(0, 12)}`,
      line: 1,
      rule: 'private-file',
      fingerprint: `${createHash('sha1').update(path).digest('hex').slice(0, 12)}:1:private-file`,
    }));
}

async function searchObjects(
  repository: Repository,
  objects: readonly Named[],
  values?: Automaton,
): Promise<Search> {
  const findings: Finding[] = [];
  let [count, bytes] = [0, 0];
  await repository.read(objects, ({ id, path }, type) => {
    if (type === 'tree') return undefined;
    const short = id.slice(0, 12);
    const scan = new Scan(type === 'blob' ? path : `${type} ${short}`, values);
    count += 1;
    return {
      take: (piece) => {
        bytes += piece.length;
        scan.take(piece);
      },
      end: () => {
        for (const finding of scan.end(id)) {
          findings.push(type === 'blob' ? { ...finding, path: `${path} in ${short}` } : finding);
        }
      },
    };
  });
  return { findings, count, bytes };
}
