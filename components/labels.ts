/**
 * Labels of everything in the namespace
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
 */

/** What network policies and the Deployment select the bot by. Never to be changed. */
export const botSelector = { 'app.kubernetes.io/name': 'hummingbot' } as const;

/** @param component what an object is for */
export function labelsOf(stack: string, component: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/instance': stack,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'hummingbot',
    'app.kubernetes.io/managed-by': 'pulumi',
  };
}

/** Carries the tag of a group's values: on an ExternalSecret, and from there on its Secret. */
export const tagAnnotation = 'hummingbot-secrets/tag';

/** The same, of the group's last rotation (docs/rotation.md). */
const rotationAnnotation = 'hummingbot-secrets/rotation';

/** What objects of a group say of it. */
export function annotationsOf<Tag>({
  tag,
  rotation,
}: {
  readonly tag: Tag;
  readonly rotation: string | undefined;
}): Readonly<Record<string, Tag | string>> {
  return { [tagAnnotation]: tag, ...(rotation && { [rotationAnnotation]: rotation }) };
}

/** Annotation of the bot's pod: the tags of the groups that it uses, as JSON. */
export const tagsAnnotation = 'hummingbot-secrets/tags';
