/** What must hold of a stack's state after every run, told by what `pulumi stack export` prints. */

interface Resource {
  readonly urn: string;
  readonly type?: string;
  readonly id?: string;
  readonly delete?: boolean;
  readonly external?: boolean;
  readonly parent?: string;
  /** `<URN>::<id>` */
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

export interface Snapshot {
  readonly deployment?: {
    readonly resources?: readonly Resource[];
    readonly pending_operations?: readonly { readonly type: string }[];
  };
}

/** A line for each rule that is broken: nothing pending or half replaced, nothing that hangs in the air. */
export function snapshotFaults({ deployment = {} }: Snapshot): readonly string[] {
  const { resources = [], pending_operations: pending = [] } = deployment;
  const before = new Set<string>();
  const faults = resources.flatMap((resource) => {
    const { urn, parent, provider, dependencies = [] } = resource;
    const found: string[] = [];
    const providerUrn = provider?.split('::').slice(0, -1).join('::');
    for (const needed of [parent, providerUrn, ...dependencies]) {
      if (needed !== undefined && !before.has(needed)) found.push(`${urn} stands before ${needed}`);
    }
    if (before.has(urn)) found.push(`${urn} is there twice`);
    if (resource.delete === true) found.push(`${urn} still waits for its deletion`);
    before.add(urn);
    return found;
  });
  if (resources.length === 0) faults.push('nothing is in it');
  return [...pending.map(({ type }) => `something is still pending: ${type}`), ...faults];
}
