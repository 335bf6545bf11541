/** Tags: attributes, and the two forms that AWS's services want them in. */
import { isObject, type Properties } from '../../../plugins/provider-server.ts';
import { type Attributes, tagMap } from './attributes.ts';

export const tagAttributes: Attributes = {
  tags: { input: 'optional', mistake: tagMap },
  tagsAll: { computed: true },
};

export interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** All tags of a resource as the list of Secrets Manager and IAM. */
export function tagList({ tagsAll }: Properties): { Key: string; Value: string }[] {
  return Object.entries(asMap(tagsAll)).map(([Key, Value]) => ({ Key, Value }));
}

/**
 * What was found, as attributes: `tags` without those of the provider, unless the resource says
 * the same itself.
 */
export function tagsFound(
  found: readonly Tag[],
  defaults: Readonly<Record<string, string>>,
  state: Properties,
): Properties {
  const all = Object.fromEntries(
    found
      .filter(({ Key = '' }) => Key !== '' && !Key.startsWith('aws:'))
      .map(({ Key = '', Value = '' }) => [Key, Value]),
  );
  const said = asMap(state.tags);
  const own = Object.entries(all).filter(([key, value]) => key in said || defaults[key] !== value);
  return { tags: Object.fromEntries(own), tagsAll: all };
}

/** What to set and what to take away. */
export function tagChanges(
  olds: Properties,
  news: Properties,
): { readonly set: { Key: string; Value: string }[]; readonly gone: string[] } {
  const [old, now] = [asMap(olds.tagsAll), asMap(news.tagsAll)];
  return {
    set: tagList({ tagsAll: now }).filter(({ Key, Value }) => old[Key] !== Value),
    gone: Object.keys(old).filter((key) => !(key in now)),
  };
}

function asMap(tags: unknown): Record<string, string> {
  return isObject(tags) ? (tags as Record<string, string>) : {};
}
