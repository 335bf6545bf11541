/** Subjects of bindings, and as whom the API server is asked about them. */
import type { Reader } from '../../components/systems.ts';
import { type Binding, labelOf } from './rbac.ts';

/** Those that all bindings treat alike: the answer is one. */
export interface Class {
  readonly subjects: readonly Reader[];
  readonly bindings: readonly Binding[];
}

/** Subjects by the bindings that they have, each with the groups that it is in by its kind. */
export function classesOf(bindings: readonly Binding[]): readonly Class[] {
  const having = new Map<string, { subject: Reader; at: Set<number> }>();
  for (const [at, { subjects }] of bindings.entries()) {
    for (const subject of subjects) {
      const label = labelOf(subject);
      const found = having.get(label) ?? { subject, at: new Set<number>() };
      having.set(label, found);
      found.at.add(at);
    }
  }
  const classes = new Map<string, { subjects: Reader[]; bindings: readonly Binding[] }>();
  for (const { subject, at } of having.values()) {
    const key = JSON.stringify([subject.kind, subject.namespace, [...at]]);
    const known = classes.get(key);
    if (known !== undefined) known.subjects.push(subject);
    else {
      const own = [...at].flatMap((each) => bindings[each] ?? []);
      classes.set(key, { subjects: [subject], bindings: own });
    }
  }
  return [...classes.values()];
}

/** Who asks, as a SubjectAccessReview names it, with the groups that everybody of its kind is in. */
export function identityOf({ kind, name, namespace }: Reader): {
  user?: string;
  groups: readonly string[];
} {
  const anybody = 'system:authenticated';
  if (kind === 'User')
    return {
      user: name,
      groups: name === 'system:anonymous' ? ['system:unauthenticated'] : [anybody],
    };
  if (kind === 'Group') {
    return { groups: name === 'system:unauthenticated' ? [name] : [...new Set([name, anybody])] };
  }
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, anybody],
  };
}
