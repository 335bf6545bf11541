/**
 * The stack's own YAML file. Pulumi marks a whole map as secret as soon as one leaf of it is
 * encrypted, so only the file shows a plaintext leaf beside encrypted ones.
 */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { isMap, isScalar, parseDocument, YAMLMap } from 'yaml';

export interface StackFile {
  /** As a user names it. */
  readonly path: string;
  /** Whether config may come from a Pulumi ESC environment too, which the file does not show. */
  readonly importsEnvironment: boolean;
  /** Leaves of a value map that stand in the file in the clear. */
  plaintextLeaves(map: string): readonly string[];
  /** Names of the settings, without the project's. */
  names(): readonly string[];
  /** Whether a leaf of a value map stands in the file, encrypted or not. */
  has(map: string, leaf: string): boolean;
}

/** The file that Pulumi reads: `--config-file`, here always by its environment variable. */
export function stackFilePath(stack: string): string {
  const named = process.env.PULUMI_OPTION_CONFIG_FILE;
  if (named === undefined || named === '') return `Pulumi.${stack}.yaml`;
  // As a user would name it, who stands in the project.
  const below = relative(process.cwd(), named);
  return below.startsWith('..') ? named : below;
}

/** @returns undefined when there is no such file, as with config from elsewhere */
export async function readStackFile(path: string, project: string): Promise<StackFile | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : parseStackFile(path, text, project);
}

export function parseStackFile(path: string, text: string, project: string): StackFile {
  // Only values make it worth the parsing: a stack of placeholders asks nothing of its file.
  let parsed: ReturnType<typeof parseDocument> | undefined;
  const document = (): NonNullable<typeof parsed> => {
    parsed ??= parseDocument(text);
    return parsed;
  };
  const mapNode = (map: string): unknown => {
    const config = document().get('config');
    return isMap(config) ? config.get(`${project}:${map}`, true) : undefined;
  };
  const leaves = (map: string): YAMLMap | undefined => {
    const node = mapNode(map);
    return isMap(node) && !isEncrypted(node) ? node : undefined;
  };
  return {
    path,
    get importsEnvironment() {
      return document().has('environment');
    },
    plaintextLeaves: (map) => {
      const node = mapNode(map);
      // A value map that is a scalar has no leaf; its shape is a mistake of its own.
      if (isScalar(node)) return [];
      return (leaves(map)?.items ?? [])
        .filter((pair) => !isEncrypted(pair.value))
        .map((pair) => String(pair.key));
    },
    names: () => {
      const config = document().get('config');
      const keys = isMap(config) ? config.items.map(({ key }) => String(key)) : [];
      return keys.map((key) => key.replace(`${project}:`, ''));
    },
    has: (map, leaf) => isEncrypted(mapNode(map)) || (leaves(map)?.has(leaf) ?? false),
  };
}

/** `secure: v1:...`, the form in which `pulumi config set --secret` writes. */
function isEncrypted(node: unknown): boolean {
  return (
    node instanceof YAMLMap && node.items.length === 1 && typeof node.get('secure') === 'string'
  );
}
