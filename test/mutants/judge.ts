/** Takes one control away from a stack of ours, and asks the policies. */
import { judgeResource, judgeStack, type Violation } from '../../policies/judge.ts';
import type { Resource } from '../../policies/resource.ts';
import type { SeenStack } from '../policies/stacks.ts';
import { clusterMutants } from './cluster-mutants.ts';
import { dockerMutants } from './docker-mutants.ts';
import type { Mutant } from './mutant.ts';
import { storeMutants } from './store-mutants.ts';

export const mutants: readonly Mutant[] = [...storeMutants, ...clusterMutants, ...dockerMutants];

/** The resources of a stack without a control. */
function mutated({ type, name, to, control }: Mutant, resources: readonly Resource[]): Resource[] {
  const target = resources.find(
    (each) => each.type === type && (name === undefined || each.name === name),
  );
  if (target === undefined) throw new Error(`${control}: no ${type} ${name ?? ''}`);
  return resources.flatMap((each) => {
    if (each !== target) return [each];
    if (to === 'gone') return [];
    if (to === 'unprotected') return [{ ...each, protect: false }];
    const props = structuredClone(each.props) as Record<string, unknown>;
    to(props);
    return [{ ...each, props }];
  });
}

/** What the policies say of a stack without a control. */
export function judgeMutant(mutant: Mutant, seen: SeenStack): readonly Violation[] {
  const context = seen.context();
  const resources = mutated(mutant, seen.resources);
  return [
    ...resources.flatMap((resource) => judgeResource(resource, context)),
    ...judgeStack(resources, context),
  ];
}
