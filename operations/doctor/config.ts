/**
 * The stack's config, opened by Pulumi: the values come by a pipe into this process's memory, and
 * what the settings say of them is the same code that stands before every `up`.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readKubeconfig } from '../../settings/kubeconfig.ts';
import type { Mistake } from '../../settings/mistake.ts';
import { parseStackFile } from '../../settings/stack-file.ts';
import { needs } from '../../settings/systems.ts';
import { type Settings, validate } from '../../settings.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { refuseWrongSettings } from '../engine/stack-types.ts';
import { projectDirectory, projectName, workspace } from '../engine/workspace.ts';

export interface Config {
  /** By the setting's name. Holds values: nothing of it is printed. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly mistakes: readonly Mistake[];
  /** What they come to; undefined with a mistake. */
  readonly settled?: Settings | undefined;
}

/** @throws CommandError when Pulumi cannot open it; then its settings' types are named first */
export async function openConfig(engine: Engine): Promise<Config> {
  const { stack } = engine;
  const words = ['config', '--json', '--show-secrets', '--stack', stack];
  const { code, stdout } = await engine.ask(words);
  const path = stackFilePath(stack);
  const text = readFileSync(path, 'utf8');
  if (code !== 0) {
    refuseWrongSettings(stack, path, text);
    // Pulumi's own words may quote what it could not read.
    throw new CommandError(
      `config of stack ${stack}: got exit code ${code} from pulumi config; allowed: a config that Pulumi opens; ` +
        `fix: npm run pulumi -- config --stack ${stack} says why`,
    );
  }
  const settings = settingsIn(stdout);
  const checked = await checkedConfig(stack, settings, text);
  return 'mistakes' in checked
    ? { settings, mistakes: checked.mistakes }
    : { settings, mistakes: [], settled: checked.settings };
}

/**
 * What the settings say of a config.
 * @param settings opened, by name
 * @param text of the stack file, which shows what is encrypted
 */
export async function mistakesOf(
  stack: string,
  settings: Config['settings'],
  text: string,
): Promise<readonly Mistake[]> {
  const checked = await checkedConfig(stack, settings, text);
  return 'mistakes' in checked ? checked.mistakes : [];
}

/** The same, with what the settings come to where they are right. */
async function checkedConfig(
  stack: string,
  settings: Config['settings'],
  text: string,
): Promise<ReturnType<typeof validate>> {
  const path = stackFilePath(stack);
  const kubeconfig = needs(settings, 'cluster') ? await readKubeconfig() : undefined;
  return validate({
    stack,
    config: settings,
    stackFile: parseStackFile(relative(projectDirectory, path), text, projectName),
    projectDirectory,
    ...(kubeconfig && { kubeconfig }),
  });
}

/** The stack file that commands read: this machine's copy, or with a backend of one's own the file. */
export function stackFilePath(stack: string): string {
  const name = `Pulumi.${stack}.yaml`;
  return workspace.embedded ? join(workspace.stacks, name) : join(projectDirectory, name);
}

interface Entry {
  readonly value?: string;
  readonly objectValue?: unknown;
}

/** Settings by name, of what `pulumi config --json` prints; as the program gets them. */
export function settingsIn(json: string): Readonly<Record<string, unknown>> {
  const entries = Object.entries(JSON.parse(json) as Readonly<Record<string, Entry>>)
    .filter(([name]) => name.startsWith(`${projectName}:`))
    .map(([name, { value, objectValue }]) => {
      const short = name.slice(projectName.length + 1);
      if (objectValue !== undefined) return [short, objectValue];
      const flag = value === 'true' || value === 'false';
      return [short, flag ? value === 'true' : value];
    });
  return Object.fromEntries(entries);
}
