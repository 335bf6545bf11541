/** Rights that may answer a question, each with the binding that gives it. */
import { type Asked, type Binding, covers, mentions, type Rule, reaches } from './rbac.ts';

/** Names of one rule that are asked about, where a rule limits what is no secret of ours. */
const mostNames = 20;

/** A right and what gives it. */
export interface Given {
  readonly binding: Binding;
  readonly rule: Rule;
  readonly asked: Asked;
}

/**
 * Rights that may answer a question. A rule that is limited to names is asked about by them.
 * @param known whether a name matters; absent: all that the rule has, up to a few
 */
export function givenBy(
  bindings: readonly Binding[],
  asked: Asked,
  known?: (name: string) => boolean,
): readonly Given[] {
  return bindings
    .filter((binding) => reaches(binding, asked))
    .flatMap((binding) =>
      binding.rules.flatMap((rule): readonly Given[] => {
        if (!mentions(rule, asked)) return [];
        const { resourceNames = [] } = rule;
        if (resourceNames.length === 0 || asked.name !== undefined) {
          return covers(rule, asked) ? [{ binding, rule, asked }] : [];
        }
        // An object that is made has no name yet.
        if (asked.verb === 'create' && !asked.resource.includes('/')) return [];
        const names = known ? resourceNames.filter(known) : resourceNames.slice(0, mostNames);
        return names.map((name) => ({ binding, rule, asked: { ...asked, name } }));
      }),
    );
}

/** A grant of somebody's own before one that every cluster has: the first that is true is named. */
export function foreignFirst(given: readonly Given[]): readonly Given[] {
  const rank = ({ binding, asked }: Given): number =>
    Number(binding.isBootstrap) * 2 + Number(asked.name !== undefined);
  return given.toSorted((one, other) => rank(one) - rank(other));
}

export function ruleText(
  { apiGroups = [], resources = [], verbs = [] }: Rule,
  { verb, resource }: Asked,
): string {
  const wild = [
    ...(apiGroups.includes('*') ? ['API group *'] : []),
    ...(resources.includes('*') ? ['resource *'] : []),
    ...(verbs.includes('*') ? ['verb *'] : []),
  ];
  return `${verb} ${resource}${wild.length === 0 ? '' : ` by ${wild.join(', ')}`}`;
}
