/** `renderYamlToDirectory`: objects as files (`renderYaml` of provider.go). */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import { PluginError } from '../../../plugins/provider-server.ts';

const directoryMode = 0o700;
const fileMode = 0o600;

/** Definitions would go to `0-crd`; the program makes none, but both folders are made. */
export function fileOf(object: KubernetesObject, directory: string): string {
  const version = (object.apiVersion ?? '').replaceAll(/[/:]/gu, '_');
  const { name = '', namespace = 'default' } = object.metadata ?? {};
  const file = `${version}-${(object.kind ?? '').toLowerCase()}-${namespace}-${name}.yaml`;
  return join(directory, '1-manifest', file);
}

export async function writeYaml(object: KubernetesObject, directory: string): Promise<string> {
  const file = fileOf(object, directory);
  try {
    for (const folder of ['0-crd', '1-manifest']) {
      await mkdir(join(directory, folder), { recursive: true, mode: directoryMode });
    }
    const text = stringify(object, { sortMapEntries: true, lineWidth: 0 });
    await writeFile(file, text, { mode: fileMode });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new PluginError(`${file}: cannot be written: ${code}; fix: choose another directory`);
  }
  return file;
}

export async function removeYaml(object: KubernetesObject, directory: string): Promise<string> {
  const file = fileOf(object, directory);
  await rm(file, { force: true });
  return file;
}
