/** What stands around a delivery in a namespace; loaded only by stacks that need it. */
import type * as pulumi from '@pulumi/pulumi';
import { ClosedNamespace, type ClosedNamespaceArgs } from './access/namespace.ts';
import { Readers } from './access/rbac.ts';
import { Hummingbot, type HummingbotArgs } from './consumers/hummingbot.ts';
import { Manifests } from './manifests.ts';
import type { Cluster, Connected, Ground, Place } from './systems.ts';

export interface NamespaceArgs extends Omit<ClosedNamespaceArgs, 'kinds'> {
  readonly place: Place | undefined;
  /** Where it is written when no cluster is reached from here. */
  readonly gitopsDirectory: string;
}

/** A namespace that is closed, and what the bot needs to stand in it. */
export interface ClosedGround extends Ground {
  readonly opts: { readonly provider?: pulumi.ProviderResource };
  /** What must be there before anything else. */
  readonly closed: readonly pulumi.Resource[];
  /** Of a stack for git. */
  readonly manifests?: Manifests;
}

/** @param cluster undefined: what stands in the namespace is written for git */
export async function closeNamespace(
  args: NamespaceArgs,
  cluster: Connected<Cluster> | undefined,
): Promise<ClosedGround | undefined> {
  const { place } = args;
  if (place === undefined) return undefined;
  const ground = cluster === undefined ? forGit(args, place) : await inCluster(place, cluster);
  const closed = new ClosedNamespace('namespace', { ...args, kinds: ground.kinds }, ground.opts);
  return { ...ground, closed: [closed] };
}

async function inCluster(
  place: Place,
  { provider, kubeconfig }: Connected<Cluster>,
): Promise<Omit<ClosedGround, 'closed'>> {
  const { kinds } = await import('./live-kinds.ts');
  return { ...place, kinds, kubeconfig, opts: { provider } };
}

function forGit(args: NamespaceArgs, place: Place): Omit<ClosedGround, 'closed'> {
  const manifests = new Manifests(args);
  return { ...place, kinds: manifests.kinds, opts: {}, manifests };
}

/** Who may read what was delivered, and the one bot that uses it. */
export function settle(ground: ClosedGround, bot: Omit<HummingbotArgs, 'ground'>): void {
  const args = { ...bot, ground };
  const opts = { ...ground.opts, dependsOn: [...ground.closed] };
  new Readers('readers', args, opts);
  new Hummingbot('hummingbot', args, opts);
  ground.manifests?.list();
}
