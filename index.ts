/** The whole story: settings -> guards -> groups -> targets -> access -> consumers -> outputs. */
import './sdk-debug.cjs';
import { HummingbotFolder, HummingbotService } from './components/consumers/service.ts';
import { FileDelivery, NamespaceDelivery, SwarmDelivery } from './components/delivery/delivery.ts';
import { targetOf } from './components/delivery/targets.ts';
import { ExternalGroup, SecretGroup, TagKey } from './components/values.ts';
import { readSettings } from './settings.ts';

// Settings: every mistake of the user ends here, before any resource.
const settings = await readSettings();
const { stack, image, strategy, outside, placeholders, outputDirectory: root } = settings;

// Guards: what a stack connects to is its own, or nothing but providers is registered.
const { aws, vault, cluster, manager, sealing, recipients } = settings;
const guarded = aws ?? vault ?? cluster ?? manager ?? sealing ?? recipients[0];
const guards = guarded === undefined ? undefined : await import('./components/guards.ts');
const systems = (await guards?.connect(settings)) ?? {};

// Values: what each group's keys are worth, known outside only by tags.
const tagKey = new TagKey('tag').value;
const groups = settings.groups.map((group) =>
  group.source === 'external'
    ? new ExternalGroup(group.name, group)
    : new SecretGroup(group.name, { ...group, manner: group, placeholders, tagKey }),
);

// Delivery: every target carries every group; in a cluster, into a namespace that is closed.
const inside = settings.place && (await import('./components/in-namespace.ts'));
const ground = await inside?.closeNamespace(settings, systems.cluster);
const args = { ...settings, root, groups, systems, dependsOn: ground?.closed ?? [] };
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
  } else if (delivery instanceof NamespaceDelivery && ground) {
    inside?.settle(ground, { delivery, stack, image, strategy, outside });
  } else if (delivery instanceof SwarmDelivery && systems.manager) {
    const { SwarmService } = await import('./components/consumers/swarm-service.ts');
    const bot = { delivery, manager: systems.manager, image, strategy, root, stack };
    new SwarmService('hummingbot', bot, { provider: bot.manager.provider });
  }
}

/** "The same values or not the same", a group and a key; not of groups that others write. */
export const tags = Object.fromEntries(
  groups.flatMap((group) => (group instanceof SecretGroup ? [[group.name, group.shown]] : [])),
);
/** Where each target delivered, and what comes next. */
export const delivered = Object.fromEntries(
  deliveries.map(({ name, next, where }) => [name, { ...where, next }]),
); /** What all of it was made from but for its values, as one word; of a protected stack. */
export const madeFrom = (await import('./settings/made-from.ts')).runningMadeFrom(settings);
