/** What the stack's state knows that no system tells. What is secret of it stays in this process. */
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { statePasswords } from '../engine/state-passwords.ts';

export interface State {
  /** Generated values and the key of the tags, by the resource's name. Secret. */
  readonly passwords: ReadonlyMap<string, string>;
  /** Ids of the versions in AWS, by group. */
  readonly versions: ReadonlyMap<string, string>;
  /** Files that were written for git, as they were written, by path below the stack's folder. */
  readonly documents: ReadonlyMap<string, string>;
}

interface Resource {
  readonly urn?: string;
  readonly type?: string;
  /** Waits to be deleted: another has its place. */
  readonly delete?: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

const versionType = 'aws:secretsmanager/secretVersion:SecretVersion';
const documentFields: Readonly<Record<string, string>> = {
  'hummingbot:index:SopsDocument': 'document',
  'hummingbot:index:GitFile': 'content',
};

/** @throws CommandError when it cannot be opened */
export async function stateOf({ ask, stack }: Pick<Engine, 'ask' | 'stack'>): Promise<State> {
  const words = ['stack', 'export', '--show-secrets', '--stack', stack];
  const answer = await ask(words);
  const passwords = await statePasswords({ ask: async () => answer, stack });
  if (typeof passwords === 'number') {
    throw new CommandError(
      `state of stack ${stack}: got exit code ${passwords} from pulumi stack export; allowed: a state that opens; fix: npm run pulumi -- stack export --stack ${stack} says why`,
    );
  }
  const { deployment } = JSON.parse(answer.stdout) as {
    deployment?: { readonly resources?: readonly Resource[] };
  };
  const resources = (deployment?.resources ?? []).filter((each) => each.delete !== true);
  const versions = new Map<string, string>();
  const documents = new Map<string, string>();
  for (const { urn = '', type = '', outputs = {} } of resources) {
    const name = urn.split('::').at(-1) ?? '';
    const version = textOf(outputs.versionId);
    if (type === versionType && version !== undefined) {
      versions.set(name.replace(/-version$/u, ''), version);
    }
    const path = textOf(outputs.path);
    const field = documentFields[type];
    const document = field === undefined ? undefined : textOf(outputs[field]);
    if (path !== undefined && document !== undefined) {
      documents.set(path.replace(`${stack}/`, ''), document);
    }
  }
  return { passwords, versions, documents };
}

/** A text, also one that the state keeps as a secret. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const { plaintext } = (value ?? {}) as { readonly plaintext?: unknown };
  const inside: unknown = typeof plaintext === 'string' ? JSON.parse(plaintext) : undefined;
  return typeof inside === 'string' ? inside : undefined;
}
