/** Whom a bot may talk to. */
import type { Rule, StackFinding } from '../rule.ts';
import { at, fieldsAt, isEmpty, lacks, listAt } from '../sight/fields.ts';
import { objectsOfKind } from '../sight/objects.ts';

export const closedNetwork: Rule = {
  name: 'closed-network',
  what: 'Every pod of the namespace is cut off in both directions, unless a policy says otherwise',
  why: 'a program that has read a key has nowhere to send it to',
  practice: 'privilege',
  severity: 'high',
  allowed: 'a NetworkPolicy for all pods, of Ingress and Egress, that lets nothing through',
  fix: 'make the namespace with ClosedNamespace',
  *judgeStack(resources): Generator<StackFinding> {
    const bots = resources.flatMap((each) =>
      objectsOfKind(each, 'Deployment', 'StatefulSet', 'Pod'),
    );
    if (bots.length === 0) return;
    const policies = resources.flatMap((each) => objectsOfKind(each, 'NetworkPolicy'));
    const closed = policies.some(({ fields }) => {
      const open = [...listAt(fields, 'spec', 'ingress'), ...listAt(fields, 'spec', 'egress')];
      const everyPod = Object.keys(fieldsAt(fields, 'spec', 'podSelector')).length === 0;
      return (
        everyPod &&
        !['Ingress', 'Egress'].some((each) => lacks(fields, each, 'spec', 'policyTypes')) &&
        open.length === 0
      );
    });
    if (!closed) yield { at: 'namespace', got: 'no NetworkPolicy that denies by default' };
  },
};

/** Metadata services of clouds, and private networks. */
const inside = ['169.254.0.0/16', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

export const namedDestinations: Rule = {
  name: 'named-destinations',
  what: 'What a policy lets through is named: to whom, at which port, and never to the inside',
  why: 'the metadata service of a cloud gives its credentials to whoever asks',
  practice: 'privilege',
  severity: 'high',
  allowed:
    'rules with to (or from) and ports; the internet without private and link-local addresses',
  fix: 'have the catalog make the rules (access/network.ts)',
  *judge(resource) {
    for (const { kind, fields } of objectsOfKind(resource, 'NetworkPolicy')) {
      for (const [direction, peers] of [
        ['egress', 'to'],
        ['ingress', 'from'],
      ] as const) {
        for (const [index, rule] of listAt(fields, 'spec', direction).entries()) {
          const where = `${kind}, ${direction}[${index}]`;
          if (isEmpty(rule, peers)) yield { at: where, got: `no ${peers}: everybody` };
          if (isEmpty(rule, 'ports')) yield { at: where, got: 'no ports: all of them' };
          const open = listAt(rule, peers).some((peer) => {
            const everywhere = at(peer, 'ipBlock', 'cidr') === '0.0.0.0/0';
            return everywhere && inside.some((each) => lacks(peer, each, 'ipBlock', 'except'));
          });
          if (open) yield { at: where, got: 'the internet with the inside' };
        }
      }
    }
  },
};
