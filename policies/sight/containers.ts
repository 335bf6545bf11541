/** Every container that a resource would start, whatever starts it. */
import type { Resource } from '../resource.ts';
import { at, type Fields, isFields, listAt, unknown } from './fields.ts';
import { objectsOf, podContainers } from './objects.ts';
import { fileServicesOf, swarmContainerOf } from './services.ts';

export interface Container {
  readonly at: string;
  readonly image: unknown;
  /** Variables that have a text, by name. */
  readonly environment: readonly (readonly [name: string, text: string])[];
  /** Whether it is deployed from a registry by whoever schedules it. */
  readonly scheduled: boolean;
}

export function containersOf(resource: Resource): readonly Container[] {
  const ofPods = objectsOf(resource).flatMap((object) =>
    podContainers(object).map(({ at: where, fields }) => ({
      at: where,
      image: fields.image,
      environment: variablesOf(fields),
      scheduled: true,
    })),
  );
  const ofFiles = fileServicesOf(resource).map(({ at: where, fields, inSwarm }) => ({
    at: where,
    image: fields.image,
    environment: variablesOf(fields),
    scheduled: inSwarm,
  }));
  const spec = swarmContainerOf(resource);
  const ofSwarm =
    spec === undefined
      ? []
      : [{ at: 'service', image: spec.image, environment: variablesOf(spec), scheduled: true }];
  return [...ofPods, ...ofFiles, ...ofSwarm];
}

/** As a list of Kubernetes, a map, or a list of NAME=TEXT. */
function variablesOf(fields: Fields): readonly (readonly [string, string])[] {
  const given = fields.env ?? fields.environment;
  if (given === unknown) return [];
  const pairs: readonly (readonly [unknown, unknown])[] = isFields(given)
    ? Object.entries(given)
    : listAt([given], 0).map((each) => {
        if (typeof each !== 'string') return [at(each, 'name'), at(each, 'value')] as const;
        const [name, ...rest] = each.split('=');
        return [name, rest.join('=')] as const;
      });
  return pairs.flatMap(([name, text]) =>
    typeof name === 'string' && (typeof text === 'string' || typeof text === 'number')
      ? [[name, String(text)] as const]
      : [],
  );
}
