/** Every text of a resource that others may see, and what kind of place it stands in. */
import type { Resource } from '../resource.ts';
import { openPropsOf } from '../values.ts';
import { type Leaf, leavesOf } from './fields.ts';
import { objectsOf } from './objects.ts';
import { documentsOf } from './yaml.ts';

export type Place = 'environment' | 'command' | 'ConfigMap' | 'metadata' | 'file';

/** Fields that make what stands below them such a place. */
const placesBelow: readonly (readonly [Place, ReadonlySet<string>])[] = [
  ['environment', new Set(['env', 'environment', 'envs'])],
  [
    'command',
    new Set(['command', 'commands', 'args', 'entrypoint', 'healthcheck', 'exec', 'test', 'tests']),
  ],
  [
    'metadata',
    new Set([
      ...['labels', 'annotations', 'tags', 'tagsAll', 'customMetadata', 'keepers', 'description'],
      ...['name', 'namespace', 'path', 'key', 'secretName', 'property', 'selector', 'matchLabels'],
    ]),
  ],
];

export interface OpenText {
  readonly place: Place;
  readonly text: string;
}

export function* openTextsOf(resource: Resource): Generator<OpenText> {
  const isConfigMap = resource.type.endsWith(':ConfigMap');
  const isConfig = resource.type === 'docker:index/serviceConfig:ServiceConfig';
  for (const leaf of leavesOf(openPropsOf(resource))) {
    yield { place: placeOf(leaf, isConfigMap || isConfig), text: leaf.text };
  }
  // What a file says is a place too: a variable in a Compose file is one in a container.
  for (const { kind, fields, inGit } of objectsOf(resource)) {
    if (!inGit) continue;
    for (const leaf of leavesOf(fields)) {
      yield { place: placeOf(leaf, kind === 'ConfigMap'), text: leaf.text };
    }
  }
  if (resource.type === 'hummingbot:index:File' && /\.ya?ml$/u.test(String(resource.props.path))) {
    for (const leaf of leavesOf(documentsOf(openPropsOf(resource).content))) {
      yield { place: placeOf(leaf, false), text: leaf.text };
    }
  }
}

function placeOf({ path }: Leaf, isConfigMap: boolean): Place {
  if (isConfigMap && ['data', 'binaryData'].includes(path[0] ?? '')) return 'ConfigMap';
  for (const [place, fields] of placesBelow) {
    if (path.some((step) => fields.has(step))) return place;
  }
  return 'file';
}
