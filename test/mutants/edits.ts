/** How a mutant takes a control away from a resource. */
import { parse, stringify } from 'yaml';

/** Inputs of a resource, a copy that may be changed. */
export type Props = Record<string, unknown>;
export type Edit = (props: Props) => void;
type Step = string | number;

function parentOf(props: Props, path: readonly Step[]): Record<Step, unknown> {
  let found: unknown = props;
  for (const step of path.slice(0, -1))
    found = (found as Record<Step, unknown> | undefined)?.[step];
  if (found === null || typeof found !== 'object') throw new Error(`nothing at ${path.join('.')}`);
  return found as Record<Step, unknown>;
}

/** Sets what is there to something else. */
export function set(path: readonly Step[], value: unknown): Edit {
  return (props) => {
    parentOf(props, path)[path.at(-1) ?? ''] = value;
  };
}

/** Takes away what is there. */
export function without(...path: readonly Step[]): Edit {
  return (props) => {
    const parent = parentOf(props, path);
    const last = path.at(-1) ?? '';
    // A control that is not there is none.
    if (parent[last] === undefined) throw new Error(`nothing at ${path.join('.')}`);
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete parent[last];
  };
}

/** Edits a document that an input holds as text. */
function inText(
  path: readonly Step[],
  read: (text: string) => unknown,
  write: (document: unknown) => string,
): (edit: Edit) => Edit {
  return (edit) => (props) => {
    const parent = parentOf(props, path);
    const last = path.at(-1) ?? '';
    const document = read(String(parent[last]));
    edit(document as Props);
    parent[last] = write(document);
  };
}

export const inYaml = inText(['content'], parse, stringify);
export const inPolicy = inText(['policy'], JSON.parse, JSON.stringify);
export const inTrust = inText(['assumeRolePolicy'], JSON.parse, JSON.stringify);

/** Replaces in a text, which must hold what is replaced. */
export function replaced(path: readonly Step[], from: string | RegExp, to: string): Edit {
  return (props) => {
    const parent = parentOf(props, path);
    const last = path.at(-1) ?? '';
    const before = String(parent[last]);
    const after = before.replace(from, to);
    if (after === before) throw new Error(`nothing to replace at ${path.join('.')}`);
    parent[last] = after;
  };
}
