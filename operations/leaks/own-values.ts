/** Values of the stacks that open here, as a search finds them: in this process's memory alone. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Automaton } from '../engine/output/automaton.ts';
import { patternsOf } from '../engine/output/value-forms.ts';
import { hiddenValues } from '../engine/stack-values.ts';
import { projectDirectory, workspace } from '../engine/workspace.ts';

export interface OwnValues {
  /** Undefined where nothing opens. */
  readonly automaton?: Automaton;
  readonly stacks: readonly string[];
  /** Stacks whose values are encrypted for others. */
  readonly closed: readonly string[];
}

const stackFile = /^Pulumi\.([^.]+)\.yaml$/u;

/** Opens all stack files of this machine; about 0.2 s for each passphrase's salt. */
export function ownValues(): OwnValues {
  const folder = workspace.embedded ? workspace.stacks : projectDirectory;
  if (!existsSync(folder)) return { stacks: [], closed: [] };
  const stacks = readdirSync(folder).flatMap((name) => stackFile.exec(name)?.[1] ?? []);
  const opened = stacks.map((stack) => ({
    stack,
    values: hiddenValues(stack, join(folder, `Pulumi.${stack}.yaml`)),
  }));
  const patterns = opened.flatMap(({ stack, values }) =>
    patternsOf(values).map(({ name, bytes }) => ({ name: `${stack}.${name}`, bytes })),
  );
  return {
    stacks: opened.flatMap(({ stack, values }) => (values.size > 0 ? [stack] : [])),
    closed: opened.flatMap(({ stack, values }) => (values.size === 0 ? [stack] : [])),
    ...(patterns.length > 0 && { automaton: new Automaton(patterns) }),
  };
}
