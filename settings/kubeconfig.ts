/**
 * The user's kubeconfig, reduced to one context: the Kubernetes provider and the rollout gate get
 * what they need and no credential of another cluster.
 *
 * Found and merged as kubectl does: the files of KUBECONFIG, first come first served, else
 * ~/.kube/config (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';

export interface Kubeconfig {
  /** Where it was looked for, as one names it. */
  readonly path: string;
  /** Why there is none that can be read. */
  readonly problem?: string;
  readonly contexts: readonly string[];
  /**
   * The text of a kubeconfig with one context; relative paths in it are made absolute.
   * @returns undefined when the context names a cluster or a user that is not there
   */
  reduced(context: string): string | undefined;
}

type Fields = Record<string, unknown>;
interface Named {
  readonly name: string;
  readonly fields: Fields;
}

/** Fields of clusters and users that are paths, relative to the file they stand in. */
const paths = [
  'certificate-authority',
  'client-certificate',
  'client-key',
  'tokenFile',
  'token-file',
];

export async function readKubeconfig(environment = process.env): Promise<Kubeconfig> {
  const named = environment.KUBECONFIG;
  const home = join(environment.HOME ?? homedir(), '.kube', 'config');
  const files = named ? named.split(delimiter).filter((file) => file !== '') : [home];
  const found: { file: string; text: string }[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) found.push({ file, text });
  }
  return parseKubeconfig(files.join(delimiter), found);
}

export function parseKubeconfig(
  path: string,
  files: readonly { readonly file: string; readonly text: string }[],
): Kubeconfig {
  const none = (problem: string): Kubeconfig => ({
    path,
    problem,
    contexts: [],
    reduced: () => undefined,
  });
  if (files.length === 0) return none('a file that cannot be read');
  const contexts: Named[] = [];
  const clusters: Named[] = [];
  const users: Named[] = [];
  for (const { file, text } of files) {
    const document = mapping(text);
    if (document === undefined) return none('a file that is not YAML');
    contexts.push(...namedOf(document, 'context'));
    clusters.push(...namedOf(document, 'cluster').map((each) => absolute(each, file)));
    users.push(...namedOf(document, 'user').map((each) => absolute(each, file)));
  }
  const find = (list: readonly Named[], name: unknown): Named | undefined =>
    list.find((each) => each.name === name);
  return {
    path,
    contexts: [...new Set(contexts.map(({ name }) => name))],
    reduced: (name) => {
      const context = find(contexts, name);
      const cluster = find(clusters, context?.fields.cluster);
      const user = find(users, context?.fields.user);
      if (context === undefined || cluster === undefined || user === undefined) return undefined;
      return stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': name,
        contexts: [{ name, context: { cluster: cluster.name, user: user.name } }],
        clusters: [{ name: cluster.name, cluster: cluster.fields }],
        users: [{ name: user.name, user: user.fields }],
      });
    },
  };
}

function mapping(text: string): Fields | undefined {
  try {
    const document: unknown = parse(text);
    return isFields(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `contexts: [{name, context: {...}}]` and so on; what has another form is passed over. */
function namedOf(document: Fields, noun: 'context' | 'cluster' | 'user'): readonly Named[] {
  const list = document[`${noun}s`];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (!isFields(item) || typeof item.name !== 'string') return [];
    const fields = item[noun];
    return [{ name: item.name, fields: isFields(fields) ? fields : {} }];
  });
}

function absolute({ name, fields }: Named, file: string): Named {
  const directory = dirname(resolve(file));
  const mended = { ...fields };
  for (const path of paths) {
    const value = mended[path];
    if (typeof value === 'string' && value !== '') mended[path] = resolve(directory, value);
  }
  // A credential plugin with a path, and not one that is looked for on PATH.
  const { exec } = mended;
  if (isFields(exec) && typeof exec.command === 'string' && exec.command.includes('/')) {
    mended.exec = { ...exec, command: resolve(directory, exec.command) };
  }
  return { name, fields: mended };
}
