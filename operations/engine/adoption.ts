/**
 * Puts things that exist into the state of a stack under the URNs that the program gives them,
 * so that the next `up` updates them and makes none anew.
 *
 * `pulumi import` cannot: a resource with an explicit provider needs that provider in the state,
 * and after a destroy there is none. The `import` option of the program cannot either: it wants
 * every input to be as it is, those too that nobody can read. So the places are made in the
 * exported state, empty, and a refresh reads what stands there.
 */
import { randomUUID } from 'node:crypto';

/** A resource of `pulumi preview --json`. */
export interface Planned {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly parent?: string;
  readonly protect?: boolean;
  /** `<URN>::<id>`; the id is unknown while the provider does not exist. */
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly inputs?: Readonly<Record<string, unknown>>;
}

export interface Stored {
  readonly urn: string;
  readonly type?: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly [name: string]: unknown;
}

/** What `pulumi stack export` prints. */
export interface Deployment {
  readonly version: number;
  readonly deployment: {
    readonly resources?: readonly Stored[] | null;
    readonly pending_operations?: readonly unknown[] | null;
    readonly [name: string]: unknown;
  };
}

/** Resources that a preview would make, in an order in which each stands after what it needs. */
export function plannedCreates(preview: string): readonly Planned[] {
  const { steps = [] } = JSON.parse(preview) as {
    readonly steps?: readonly { readonly op: string; readonly newState?: Planned }[];
  };
  return steps.flatMap(({ op, newState }) =>
    op === 'create' && newState !== undefined ? [newState] : [],
  );
}

/**
 * The state with places for what exists.
 * @param ids of what exists, by URN
 * @param plan of all that the program would make; parents and providers are taken from it
 */
export function withPlaces(
  state: Deployment,
  plan: readonly Planned[],
  ids: ReadonlyMap<string, string>,
): Deployment {
  const before = state.deployment.resources ?? [];
  const stored = new Map(before.map((resource) => [resource.urn, resource]));
  const planned = new Map(plan.map((resource) => [resource.urn, resource]));
  const added: Stored[] = [];
  const time = new Date().toISOString();

  function add(urn: string): Stored | undefined {
    const known = stored.get(urn);
    if (known !== undefined) return known;
    const { type, custom, parent, provider, protect, inputs = {} } = planned.get(urn) ?? {};
    if (type === undefined) return undefined;
    if (parent !== undefined) add(parent);
    const providerUrn = provider?.split('::').slice(0, -1).join('::');
    const providerId = providerUrn === undefined ? undefined : add(providerUrn)?.id;
    const isProvider = type.startsWith('pulumi:providers:');
    const id = isProvider ? randomUUID() : ids.get(urn);
    const place: Stored = {
      urn,
      custom: custom ?? false,
      ...(id !== undefined && { id }),
      type,
      // A provider is its inputs; of anything else a refresh reads them.
      ...(isProvider && { inputs, outputs: inputs }),
      ...(parent !== undefined && { parent }),
      ...(protect === true && { protect }),
      ...(providerUrn !== undefined && { provider: `${providerUrn}::${providerId}` }),
      created: time,
      modified: time,
    };
    stored.set(urn, place);
    added.push(place);
    return place;
  }

  for (const urn of ids.keys()) add(urn);
  const resources = [...before, ...added];
  return { ...state, deployment: { ...state.deployment, resources } };
}
