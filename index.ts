/** The whole story: settings -> guards -> groups -> targets -> access -> consumers -> outputs. */
import './sdk-debug.cjs';
import { HummingbotFolder, HummingbotService } from './components/consumers/service.ts';
import { ClusterDelivery, FileDelivery } from './components/delivery/delivery.ts';
import { targetOf } from './components/delivery/targets.ts';
import { ExternalGroup, SecretGroup, TagKey } from './components/values.ts';
import { readSettings } from './settings.ts';

// Settings: every mistake of the user ends here, before any resource.
const settings = await readSettings();
const { stack, image, strategy, placeholders, outputDirectory: root } = settings;

// Guards: account and cluster are the stack's own, or nothing but their providers is registered.
const remote = settings.aws ?? settings.cluster;
const guards = remote && (await import('./components/guards.ts'));
const systems = (await guards?.connect(settings)) ?? {};
const { cluster } = systems;

// Values: what each group's keys are worth, known outside only by tags.
const tagKey = new TagKey('tag').value;
const groups = settings.groups.map((group) =>
  group.source === 'external'
    ? new ExternalGroup(group.name, group)
    : new SecretGroup(group.name, { ...group, manner: group, placeholders, tagKey }),
);

// Delivery: every target carries every group; in a cluster, into a namespace that is closed.
const inCluster = cluster && (await import('./components/in-cluster.ts'));
const opts = cluster && { provider: cluster.provider };
const closed = inCluster ? [new inCluster.ClosedNamespace('namespace', settings, opts)] : [];
const args = { ...settings, root, groups, systems, dependsOn: closed };
const deliveries = await Promise.all(
  settings.targets.map(async (name) => await targetOf(name).deliver(name, args)),
);
// Access and consumers: who may read what was delivered, and the one bot that uses it.
const [delivery] = deliveries.filter((each) => each instanceof FileDelivery);
const dependsOn = delivery ? [new HummingbotFolder('hummingbot', { delivery, strategy })] : [];
for (const delivery of deliveries) {
  if (delivery instanceof FileDelivery) {
    const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
    const bot = { delivery, image, strategy, project: `${settings.namespace}-${stack}`, user };
    new HummingbotService(`hummingbot-${delivery.name}`, bot, { dependsOn });
  } else if (delivery instanceof ClusterDelivery && cluster && inCluster) {
    const bot = { delivery, cluster, stack, image, strategy };
    new inCluster.Readers('readers', bot, { ...opts, dependsOn: closed });
    new inCluster.Hummingbot('hummingbot', bot, { ...opts, dependsOn: closed });
  }
}

/** "The same values or not the same", a group and a key; not of groups that others write. */
export const tags = Object.fromEntries(
  groups.flatMap((group) =>
    group instanceof SecretGroup ? [[group.name, { group: group.tag, keys: group.keyTags }]] : [],
  ),
);
/** Where each target delivered, and what comes next. */
export const delivered = Object.fromEntries(
  deliveries.map(({ name, next, where }) => [name, { ...where, next }]),
);
