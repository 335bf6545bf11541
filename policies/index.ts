/** The pack that Pulumi asks (https://www.pulumi.com/docs/insights/policy/): each rule as a policy. */
import { join } from 'node:path';
import {
  type Policies,
  PolicyPack,
  type PolicyResource,
  type ResourceValidationArgs,
} from '@pulumi/policy';
import { type Context, contextOf } from './context.ts';
import { judgeResource, judgeStack } from './judge.ts';
import { plain, type Resource } from './resource.ts';
import type { Rule } from './rule.ts';
import { rules } from './rules.ts';
import type { Fields } from './sight/fields.ts';

let known: Context | undefined;

/** `urn:pulumi:<stack>::...`: a pack is asked about one stack. */
function contextFor(urn: string): Context {
  const stack = urn.split('::')[0]?.split(':').at(-1) ?? '';
  known ??= contextOf(stack, join(import.meta.dirname, '..'));
  return known;
}

const seen = new WeakMap<object, Resource>();

/** The same copy for each rule. */
function resourceOf(args: ResourceValidationArgs | PolicyResource): Resource {
  const { type, name, props, opts } = args;
  const found = seen.get(args);
  if (found !== undefined) return found;
  const resource = { type, name, props: plain(props) as Fields, protect: opts.protect };
  seen.set(args, resource);
  return resource;
}

function policiesOf(rule: Rule): Policies {
  const { name, what, severity } = rule;
  const about = { description: what, severity, enforcementLevel: 'mandatory' } as const;
  const { judge, judgeStack: whole } = rule;
  return [
    ...(judge
      ? [
          {
            ...about,
            name,
            validateResource: (args: ResourceValidationArgs, report: (line: string) => void) => {
              const found = judgeResource(resourceOf(args), contextFor(args.urn), [rule]);
              for (const { message } of found) report(message);
            },
          },
        ]
      : []),
    ...(whole
      ? [
          {
            ...about,
            name: judge ? `${name}-of-stack` : name,
            validateStack: (
              { resources }: { readonly resources: PolicyResource[] },
              report: (line: string, urn?: string) => void,
            ) => {
              const [first] = resources;
              if (first === undefined) return;
              const urns = new Map(resources.map((each) => [resourceOf(each), each.urn]));
              const found = judgeStack([...urns.keys()], contextFor(first.urn), [rule]);
              for (const { message, resource } of found) {
                report(message, resource && urns.get(resource));
              }
            },
          },
        ]
      : []),
  ];
}

new PolicyPack('hummingbot-secrets', {
  enforcementLevel: 'mandatory',
  policies: rules.flatMap(policiesOf),
});
