/** Whose it is, and how old it may be. */
import type { Rule } from '../rule.ts';
import { at, fieldsAt, isFields, listAt, numberOf, unknown } from '../sight/fields.ts';
import { objectsOf } from '../sight/objects.ts';
import { labelsOf } from '../sight/services.ts';

/** Where a store says it of a group. */
const stores: Readonly<Record<string, readonly (string | number)[]>> = {
  'aws:secretsmanager/secret:Secret': ['tags'],
  'vault:kv/secretV2:SecretV2': ['customMetadata', 'data'],
};

export const ownerAndAge: Rule = {
  name: 'owner-and-age',
  what: 'A stored group says who looks after it, and after how many days it is due',
  why: 'a key that is nobody’s is never rotated and never revoked',
  practice: 'inventory',
  severity: 'medium',
  allowed: 'owner and max-age-days, as the catalog has them',
  fix: 'make the secret with the target',
  *judge({ type, props }) {
    const path = stores[type];
    const notes = path && at(props, ...path);
    if (path === undefined || notes === unknown) return;
    const owner = at(notes, 'owner');
    const age = at(notes, 'max-age-days');
    if (owner === undefined || owner === '') yield { at: path.join('.'), got: 'no owner' };
    if (age !== unknown && (numberOf(age) ?? 0) <= 0)
      yield { at: path.join('.'), got: 'no max-age-days' };
  },
};

const part = 'app.kubernetes.io';
/** What tools read and no cluster holds, by its group. */
const forTools = /^(?:kustomize\.config\.k8s\.io|viaduct\.ai)\//u;

export const saysItsStack: Rule = {
  name: 'says-its-stack',
  what: 'Every object says which stack it is of',
  why: 'without it nobody knows whose a Secret in a cluster or a swarm is, and whether it may go',
  practice: 'inventory',
  severity: 'medium',
  allowed: `labels ${part}/{instance,part-of,managed-by}, or hummingbot-secrets.stack; tag environment in AWS`,
  fix: 'take the labels from labelsOf',
  *judge(resource, { stack, environment }) {
    const { type, props } = resource;
    for (const { kind, fields } of objectsOf(resource)) {
      if (forTools.test(String(fields.apiVersion))) continue;
      const labels = at(fields, 'metadata', 'labels');
      if (labels === unknown) continue;
      const lacks = ['instance', 'part-of', 'managed-by'].filter(
        (name) => at(labels, `${part}/${name}`) === undefined,
      );
      if (lacks.length > 0) yield { at: `${kind}, labels`, got: `no ${lacks.join(', no ')}` };
      const instance = at(labels, `${part}/instance`);
      if (typeof instance === 'string' && instance !== stack)
        yield { at: `${kind}, labels`, got: 'another stack' };
    }
    if (/^docker:index\/(?:secret:Secret|serviceConfig:ServiceConfig)$/u.test(type)) {
      const label = labelsOf(resource)['hummingbot-secrets.stack'];
      if (label !== unknown && label !== stack)
        yield { at: 'labels', got: label === undefined ? 'no stack' : 'another stack' };
    }
    if (['aws:kms/key:Key', 'aws:secretsmanager/secret:Secret'].includes(type)) {
      const tag = at(props, 'tags', 'environment');
      if (tag !== unknown && tag !== environment)
        yield { at: 'tags', got: tag === undefined ? 'no environment' : 'another environment' };
    }
  },
};

/** Ten letters of base32: says the same or not the same, and nothing else. */
const tag = /^[a-z2-7]{10}$/u;

export const taggedSecret: Rule = {
  name: 'tagged-secret',
  what: 'A Secret carries the tag of its values, and the bot’s pod those that it uses',
  why: 'a rotation would restart nobody, and nobody could see which values a pod has',
  practice: 'rotation',
  severity: 'medium',
  allowed: 'annotations hummingbot-secrets/tag and /tags, label hummingbot-secrets.tag',
  fix: 'take it from group.tag and delivery.tags',
  *judge(resource) {
    for (const { kind, fields, inGit } of objectsOf(resource)) {
      const made = kind === 'SealedSecret' ? [fields, at(fields, 'spec', 'template')] : [fields];
      // Of a group that somebody else writes nobody here knows a tag, and it is not pinned.
      const pinned = listAt(fields, 'spec', 'data').some((each) => isFields(at(each, 'remoteRef')));
      const carries =
        (kind === 'Secret' && !inGit) ||
        kind === 'SealedSecret' ||
        (kind === 'ExternalSecret' && pinned && at(fields, 'spec', 'target', 'immutable') === true);
      if (!carries) continue;
      for (const each of made) {
        const found = at(each, 'metadata', 'annotations', 'hummingbot-secrets/tag');
        if (found !== unknown && !tag.test(String(found))) yield { at: kind, got: 'no tag' };
      }
    }
    for (const { kind, fields } of objectsOf(resource)) {
      if (kind !== 'Deployment') continue;
      const found = at(
        fields,
        'spec',
        'template',
        'metadata',
        'annotations',
        'hummingbot-secrets/tags',
      );
      if (found === undefined) yield { at: `${kind}, template`, got: 'no tags' };
    }
    if (resource.type === 'docker:index/secret:Secret') {
      const found = labelsOf(resource)['hummingbot-secrets.tag'];
      if (found !== unknown && !tag.test(String(found))) yield { at: 'labels', got: 'no tag' };
    }
    if (resource.type === 'docker:index/service:Service') {
      const labels = listAt(resource.props, 'taskSpec', 'containerSpec', 'labels');
      const isKnown =
        at(resource.props, 'taskSpec', 'containerSpec', 'labels') !== unknown &&
        labels.every((each) => at(each, 'label') !== unknown);
      const names = labels.map((each) => String(at(fieldsAt([each], 0), 'label')));
      if (isKnown && !names.some((name) => /^hummingbot-secrets\.[a-z]+-tag$/u.test(name)))
        yield { at: 'service, labels', got: 'no tags' };
    }
  },
};
