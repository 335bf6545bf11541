/** The whole story: settings -> groups -> targets -> consumers -> outputs. */
import { HummingbotDirectories, HummingbotService } from './components/consumers/service.ts';
import { targets } from './components/delivery/targets.ts';
import { SecretGroup, TagKey } from './components/values.ts';
import { readSettings } from './settings.ts';

// Settings: every mistake of the user ends here, before any resource.
const settings = await readSettings();
const place = { root: settings.outputDirectory, stack: settings.stack };

// Values: what each group's keys are worth, known outside only by tags.
const tagKey = new TagKey('tag');
const groups = settings.groups.map(
  ({ name, entries, values }) =>
    new SecretGroup(name, {
      entries,
      values,
      placeholders: settings.placeholders,
      tagKey: tagKey.value,
    }),
);

// Delivery: every target carries every group.
const deliveries = settings.targets.map((name) =>
  targets[name].deliver(name, { groups, ...place }),
);

// Consumers: one service, described by one Compose file a target; they share project and service
// name, so that two files never run two bots.
const directories = new HummingbotDirectories('hummingbot-directory', place);
for (const delivery of deliveries) {
  new HummingbotService(
    `hummingbot-${delivery.name}`,
    {
      delivery,
      image: settings.image,
      project: `${settings.namespace}-${settings.stack}`,
      user: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
    },
    { dependsOn: [directories] },
  );
}

/** "The same values or not the same", a group and a key. */
export const tags = Object.fromEntries(
  groups.map(({ name, tag, keyTags }) => [name, { group: tag, keys: keyTags }]),
);
/** Where each target wrote, and what starts or updates the bot with it. */
export const delivered = Object.fromEntries(
  deliveries.map(({ name, next }) => [name, { directory: `${place.root}/${place.stack}`, next }]),
);
