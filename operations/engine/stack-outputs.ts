/** What the last finished run put out (index.ts). Nothing of it is secret. */
import type { Engine } from './engine.ts';

/** A directory of files, a namespace, the manifests of a GitOps controller, or a swarm's service. */
export interface Where {
  readonly directory?: string;
  readonly namespace?: string;
  readonly manifests?: string;
  readonly service?: string;
  /** The command that comes next. */
  readonly next: string;
}

export interface Outputs {
  /** By group, of those whose values are the stack's; a key has a tag of its own. */
  readonly tags: Readonly<
    Record<
      string,
      {
        readonly group: string;
        readonly keys: Readonly<Record<string, string>>;
        readonly rotation?: string;
      }
    >
  >;
  readonly delivered: Readonly<Record<string, Where>>;
  /** What that run had for settings and program; of a protected stack. */
  readonly madeFrom?: string;
}

/** @returns undefined for a stack that is not up */
export async function outputsOf({
  ask,
  stack,
}: Pick<Engine, 'ask' | 'stack'>): Promise<Outputs | undefined> {
  const { code, stdout } = await ask(['stack', 'output', '--json', '--stack', stack]);
  const { tags, delivered, madeFrom } = (code === 0 ? JSON.parse(stdout) : {}) as Partial<Outputs>;
  if (tags === undefined || delivered === undefined) return undefined;
  return { tags, delivered, ...(madeFrom !== undefined && { madeFrom }) };
}
