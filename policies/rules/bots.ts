/** A bot never runs twice and never forgets. */
import type { Resource } from '../resource.ts';
import type { Rule, StackFinding } from '../rule.ts';
import { containersOf } from '../sight/containers.ts';
import { at, differs, listAt, numberOf, unknown } from '../sight/fields.ts';
import { objectsOf, objectsOfKind, podOf } from '../sight/objects.ts';
import { fileServicesOf, swarmContainerOf } from '../sight/services.ts';

/** Whether something may be more than one. */
function several(replicas: unknown, byDefault: number): boolean {
  return replicas !== unknown && (numberOf(replicas) ?? byDefault) > 1;
}

export const oneBot: Rule = {
  name: 'one-bot',
  what: 'A bot has one replica, and the old one is gone before the new one starts',
  why: 'two bots on one account double every order, and break each other’s nonces',
  practice: 'rotation',
  severity: 'critical',
  allowed: 'one replica; Recreate; stop-first in a swarm; a claim that only one pod can have',
  fix: 'take the strategy from consumers/hummingbot.ts or swarm-service.ts',
  *judge(resource) {
    for (const { kind, fields } of objectsOfKind(
      resource,
      'Deployment',
      'StatefulSet',
      'ReplicaSet',
    )) {
      if (several(at(fields, 'spec', 'replicas'), 1)) yield { at: kind, got: 'several replicas' };
      if (kind === 'Deployment' && differs(at(fields, 'spec', 'strategy', 'type'), 'Recreate'))
        yield { at: kind, got: 'a strategy that is not Recreate' };
    }
    for (const { kind } of objectsOfKind(resource, 'DaemonSet', 'HorizontalPodAutoscaler'))
      yield { at: kind, got: 'a bot a node, or as many as there is work' };
    for (const { kind, fields } of objectsOfKind(resource, 'PersistentVolumeClaim')) {
      const modes = at(fields, 'spec', 'accessModes');
      if (modes !== unknown && listAt([modes], 0).some((mode) => mode !== 'ReadWriteOncePod'))
        yield { at: kind, got: 'a claim that several pods can have' };
    }
    for (const { at: where, fields, inSwarm } of fileServicesOf(resource)) {
      const replicas = at(fields, 'deploy', 'replicas') ?? fields.scale;
      if (several(replicas, 1)) yield { at: where, got: 'several replicas' };
      if (inSwarm && differs(at(fields, 'deploy', 'update_config', 'order'), 'stop-first'))
        yield { at: where, got: 'an update that does not stop first' };
      if (at(fields, 'deploy', 'mode') === 'global') yield { at: where, got: 'a bot a node' };
    }
    if (swarmContainerOf(resource) === undefined) return;
    const { props } = resource;
    if (at(props, 'mode', 'global') === true) yield { at: 'service', got: 'a bot a node' };
    if (several(at(props, 'mode', 'replicated', 'replicas'), 1))
      yield { at: 'service', got: 'several replicas' };
    if (differs(at(props, 'updateConfig', 'order'), 'stop-first'))
      yield { at: 'service', got: 'an update that does not stop first' };
  },
  *judgeStack(resources): Generator<StackFinding> {
    const bots = new Set(resources.flatMap(botsOf));
    if (bots.size > 1) yield { at: 'stack', got: `${bots.size} bots` };
  },
};

/** Two Compose files of one project are one bot. */
function botsOf(resource: Resource): readonly string[] {
  const deployed = objectsOfKind(resource, 'Deployment', 'StatefulSet').map(
    ({ fields }) => `in the cluster ${resource.name} ${String(at(fields, 'metadata', 'name'))}`,
  );
  const composed = fileServicesOf(resource).map(({ file }) => `by a file ${String(file.name)}`);
  const inSwarm = swarmContainerOf(resource) === undefined ? [] : [`in a swarm ${resource.name}`];
  return [...deployed, ...composed, ...inSwarm];
}

const shortestGrace = 60;

/** `2m`, `2m0s`, `90s`, or seconds. */
function secondsOf(duration: unknown): number {
  const text = String(duration ?? '');
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/u.exec(text) ?? [];
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
}

export const timeToStop: Rule = {
  name: 'time-to-stop',
  what: 'A bot has time to cancel its orders',
  why: 'one that is killed leaves orders that nobody watches',
  practice: 'rotation',
  severity: 'high',
  allowed: `at least ${shortestGrace} seconds until it is killed`,
  fix: 'take the grace period from the consumer',
  *judge(resource) {
    const graces: (readonly [string, unknown])[] = [];
    for (const object of objectsOf(resource)) {
      // A Job trades nothing.
      const pod = ['Job', 'CronJob'].includes(object.kind) ? undefined : podOf(object);
      if (pod !== undefined) graces.push([object.kind, pod.terminationGracePeriodSeconds]);
    }
    for (const { at: where, fields } of fileServicesOf(resource))
      graces.push([where, fields.stop_grace_period]);
    const spec = swarmContainerOf(resource);
    if (spec !== undefined) graces.push(['service', spec.stopGracePeriod]);
    for (const [where, grace] of graces) {
      const seconds = secondsOf(grace);
      if (grace !== unknown && seconds < shortestGrace)
        yield { at: where, got: grace === undefined ? 'no grace period' : `${seconds} seconds` };
    }
  },
};

const digest = /@sha256:[0-9a-f]{64}$/u;
const versioned = /:[\w][\w.-]{0,127}$/u;

export const pinnedImage: Rule = {
  name: 'pinned-image',
  what: 'An image is pinned: by a version, and by digest where a protected stack deploys it',
  why: 'whoever can push a tag would run a program of his own with your keys',
  practice: 'privilege',
  severity: 'critical',
  allowed:
    'NAME:VERSION@sha256:DIGEST; NAME:VERSION in a stack that is not protected, or for Compose',
  fix: 'set the setting image to what docker buildx imagetools inspect NAME:VERSION prints',
  *judge(resource, context) {
    for (const { at: where, image, scheduled } of containersOf(resource)) {
      if (image === unknown) continue;
      const text = typeof image === 'string' ? image : '';
      if (digest.test(text)) continue;
      if (!versioned.test(text) || text.endsWith(':latest'))
        yield { at: where, got: 'an image without a version' };
      else if (context.protected && scheduled)
        yield { at: where, got: 'an image without a digest in a protected stack' };
    }
  },
};
