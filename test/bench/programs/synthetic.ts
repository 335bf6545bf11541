/** A catalog of SYNTHETIC_SECRETS secrets in three groups, carried by both file targets. */
import * as pulumi from '@pulumi/pulumi';
import { entryOf } from '../../../components/catalog.ts';
import { HummingbotService } from '../../../components/consumers/service.ts';
import { FileDelivery } from '../../../components/delivery/delivery.ts';
import { targets } from '../../../components/delivery/targets.ts';
import { SecretGroup, TagKey } from '../../../components/values.ts';

const count = Number(process.env.SYNTHETIC_SECRETS);
// Its name is of no catalog; the rest is as of a key of the bot.
const spec = entryOf('binance_api_key');
const tagKey = new TagKey('tag').value;
const groups = ['one', 'two', 'three'].map((name, group) => {
  const keys = Array.from({ length: count }, (_, at) => `key_${at}`).filter(
    (_, at) => at % 3 === group,
  );
  return new SecretGroup(name, {
    entries: new Map(keys.map((key) => [key, spec])),
    values: new Map(keys.map((key) => [key, pulumi.secret(`value of ${key}`)])),
    placeholders: false,
    tagKey,
  });
});
for (const [name, target] of Object.entries(targets)) {
  if (target.kind !== 'files') continue;
  const delivery = target.deliver(name, { groups, root: 'out', stack: 'bench' });
  if (!(delivery instanceof FileDelivery)) continue;
  new HummingbotService(`service-${name}`, { delivery, image: 'x:1', project: 'x', user: '0:0' });
}
export const tags = groups.map(({ tag }) => tag);
