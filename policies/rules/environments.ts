/** One environment never names another's. */
import { type Context, environments } from '../context.ts';
import type { Resource } from '../resource.ts';
import type { Rule } from '../rule.ts';
import { type Leaf, leavesOf } from '../sight/fields.ts';
import { objectsOf } from '../sight/objects.ts';
import { documentsOf } from '../sight/yaml.ts';
import { openPropsOf } from '../values.ts';

/** Fields that name a thing of somebody. */
const names = new Set([
  ...['name', 'namespace', 'path', 'key', 'secretName', 'remoteKey', 'roleName', 'service', 'role'],
  ...[
    'mountPath',
    'server',
    'tokenPolicies',
    'boundServiceAccountNamespaces',
    'secretId',
    'source',
  ],
]);
/** Fields below which everything is one. */
const maps = new Set(['labels', 'annotations', 'tags', 'customMetadata']);
const stored = /arn:aws[\w-]*:(?:secretsmanager|kms):[^"\s]*/gu;
const vaultPath = /path\s+"([^"]*)"/gu;

function* namesIn(resource: Resource): Generator<string> {
  const props = openPropsOf(resource);
  const inFiles = resource.type === 'hummingbot:index:File' ? documentsOf(props.content) : [];
  const trees = [
    props,
    ...inFiles,
    ...objectsOf(resource).flatMap(({ inGit, fields }) => (inGit ? [fields] : [])),
  ];
  for (const tree of trees) {
    for (const leaf of leavesOf(tree)) {
      if (leaf.isKey) continue;
      if (isName(leaf)) yield leaf.text;
      for (const [arn] of leaf.text.matchAll(stored)) yield arn;
      if (leaf.path.at(-1) === 'policy') {
        for (const [, path = ''] of leaf.text.matchAll(vaultPath)) yield path;
      }
    }
  }
}

function isName({ path }: Leaf): boolean {
  const steps = path.filter((step) => !/^\d+$/u.test(step));
  return names.has(steps.at(-1) ?? '') || steps.slice(0, -1).some((step) => maps.has(step));
}

/** The other environments, where this one is known. */
function othersOf({ environment, stack }: Context): ReadonlySet<string> {
  return new Set(environments.filter((each) => each !== environment && each !== stack));
}

export const ownEnvironment: Rule = {
  name: 'own-environment',
  what: 'A stack names nothing of another environment',
  why: 'a bot of dev with the keys of prod trades with real money',
  practice: 'environments',
  severity: 'critical',
  allowed: 'names, paths, ARNs and tags of its own environment',
  fix: 'derive the name from the stack',
  *judge(resource, context) {
    const others = othersOf(context);
    const found = new Set(
      [...namesIn(resource)].flatMap((name) =>
        name
          .toLowerCase()
          .split(/[^a-z0-9]+/u)
          .filter((word) => others.has(word)),
      ),
    );
    for (const other of found) yield { at: 'names', got: `one of ${other}` };
  },
};
