/** What a pod and a container may do to where they run. */
import type { Resource } from '../resource.ts';
import type { Finding, Rule, StackFinding } from '../rule.ts';
import {
  at,
  differs,
  type Fields,
  fieldsAt,
  isFields,
  lacks,
  listAt,
  numberOf,
  shown,
  unknown,
} from '../sight/fields.ts';
import { objectsOf, objectsOfKind, podContainers, podOf } from '../sight/objects.ts';
import { fileServicesOf, swarmContainerOf } from '../sight/services.ts';

const modes = ['enforce', 'audit', 'warn'] as const;
const podSecurity = 'pod-security.kubernetes.io';

export const restrictedNamespace: Rule = {
  name: 'restricted-namespace',
  what: 'A namespace enforces, audits and warns by Pod Security "restricted"',
  why: 'it stops what somebody else starts beside the bot, which no other rule here sees',
  practice: 'privilege',
  severity: 'high',
  allowed: `labels ${podSecurity}/{enforce,audit,warn}: restricted`,
  fix: 'make the namespace with ClosedNamespace',
  *judge(resource) {
    for (const { kind, fields } of objectsOfKind(resource, 'Namespace')) {
      const labels = at(fields, 'metadata', 'labels');
      for (const mode of modes) {
        if (differs(at(labels, `${podSecurity}/${mode}`), 'restricted'))
          yield { at: kind, got: `no ${mode} of restricted` };
      }
    }
  },
};

/** Kinds whose pods run beside a bot. */
const workloads = ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'ReplicaSet'];

function has(resources: readonly Resource[], kind: string): boolean {
  return resources.some((each) => objectsOfKind(each, kind).length > 0);
}

export const boundedNamespace: Rule = {
  name: 'bounded-namespace',
  what: 'The namespace of a bot has a quota and limits for who names none',
  why: 'a stolen token could start pods without end, and starve the bot of the node',
  practice: 'privilege',
  severity: 'medium',
  allowed: 'a ResourceQuota on pods and a LimitRange',
  fix: 'make the namespace with ClosedNamespace',
  *judgeStack(resources): Generator<StackFinding> {
    if (!resources.some((each) => objectsOfKind(each, ...workloads).length > 0)) return;
    const quotas = resources.flatMap((each) => objectsOfKind(each, 'ResourceQuota'));
    if (!quotas.some(({ fields }) => at(fields, 'spec', 'hard', 'pods') !== undefined))
      yield { at: 'namespace', got: 'no ResourceQuota on pods' };
    if (!has(resources, 'LimitRange')) yield { at: 'namespace', got: 'no LimitRange' };
  },
};

const hostFields = ['hostNetwork', 'hostPID', 'hostIPC'] as const;

function* judgePod(pod: Fields, kind: string): Generator<Finding> {
  for (const field of hostFields) {
    if (pod[field] === true) yield { at: kind, got: `${field} true` };
  }
  const volumes = listAt(pod, 'volumes');
  if (volumes.some((volume) => differs(at(volume, 'hostPath'), undefined)))
    yield { at: `${kind}, volumes`, got: 'a hostPath' };
  const context = fieldsAt(pod, 'securityContext');
  if (context.runAsUser === 0) yield { at: kind, got: 'runAsUser 0' };
}

export const confinedPod: Rule = {
  name: 'confined-pod',
  what: 'A pod keeps to Pod Security "restricted", and its file system is read-only',
  why: 'what breaks into a bot stays in it: no root, no new rights, no host, nothing to write to',
  practice: 'privilege',
  severity: 'critical',
  allowed: 'runAsNonRoot, seccomp RuntimeDefault, all capabilities dropped, nothing of the host',
  fix: 'take the security context from consumers/pod.ts',
  *judge(resource) {
    for (const object of objectsOf(resource)) {
      const pod = podOf(object);
      if (pod === undefined) continue;
      yield* judgePod(pod, object.kind);
      const whole = fieldsAt(pod, 'securityContext');
      for (const { at: where, fields } of podContainers(object)) {
        const own = fieldsAt(fields, 'securityContext');
        const either = (field: string): unknown => own[field] ?? whole[field];
        const seccomp = at(own, 'seccompProfile', 'type') ?? at(whole, 'seccompProfile', 'type');
        if (differs(either('runAsNonRoot'), true))
          yield { at: where, got: 'runAsNonRoot not true' };
        if (own.runAsUser === 0) yield { at: where, got: 'runAsUser 0' };
        if (differs(own.allowPrivilegeEscalation, false))
          yield { at: where, got: 'allowPrivilegeEscalation not false' };
        if (own.privileged === true) yield { at: where, got: 'privileged true' };
        if (differs(own.readOnlyRootFilesystem, true))
          yield { at: where, got: 'a root file system that can be written' };
        if (lacks(own, 'ALL', 'capabilities', 'drop'))
          yield { at: where, got: 'capabilities that were not dropped' };
        if (listAt(own, 'capabilities', 'add').length > 0)
          yield { at: where, got: 'capabilities that were added' };
        if (differs(seccomp, 'RuntimeDefault', 'Localhost'))
          yield { at: where, got: 'no seccomp profile' };
        if (listAt(fields, 'ports').some((port) => at(port, 'hostPort') !== undefined))
          yield { at: where, got: 'a port of the host' };
      }
    }
  },
};

export const limitedContainer: Rule = {
  name: 'limited-container',
  what: 'A container has limits of memory and processor',
  why: 'one that grows takes the node, and every bot on it, down',
  practice: 'privilege',
  severity: 'low',
  allowed: 'resources.limits of cpu and memory',
  fix: 'set them',
  *judge(resource) {
    for (const object of objectsOf(resource)) {
      for (const { at: where, fields } of podContainers(object)) {
        const limits = at(fields, 'resources', 'limits');
        const lacks = ['cpu', 'memory'].filter((name) => at(limits, name) === undefined);
        if (limits !== unknown && lacks.length > 0)
          yield { at: where, got: `no limit of ${lacks.join(' and ')}` };
      }
    }
  },
};

export const secretMounts: Rule = {
  name: 'secret-mounts',
  what: 'Secrets are mounted read-only, readable by their owner, and only the keys that are used',
  why: 'other programs of the container could read or change them, and see keys of other consumers',
  practice: 'privilege',
  severity: 'high',
  allowed: 'defaultMode 0400, items, readOnly mounts, and memory for what is made of them',
  fix: 'take volumes and mounts from consumers/pod.ts',
  *judge(resource) {
    for (const object of objectsOf(resource)) {
      const volumes = listAt(podOf(object) ?? {}, 'volumes').filter(isFields);
      const secret = volumes.filter(({ secret: of }) => isFields(of));
      for (const [index, { secret: of }] of secret.entries()) {
        const where = `${object.kind}, Secret volume ${index + 1}`;
        const mode = numberOf(at(of, 'defaultMode'));
        if (at(of, 'defaultMode') !== unknown && mode !== 0o400)
          yield {
            at: where,
            got: `defaultMode ${mode === undefined ? 'unset' : mode.toString(8)}`,
          };
        if (at(of, 'items') === undefined) yield { at: where, got: 'all keys of the Secret' };
      }
      const names = new Set(secret.map(({ name }) => name));
      // Where the bot's own files with the keys are made.
      const disk = volumes.filter(
        ({ name, emptyDir }) =>
          ['conf', 'run', 'tmp'].includes(String(name)) &&
          emptyDir !== undefined &&
          differs(at(emptyDir, 'medium'), 'Memory'),
      );
      if (disk.length > 0)
        yield { at: `${object.kind}, volumes`, got: `${disk.length} on a disk that hold keys` };
      for (const { at: where, fields } of podContainers(object)) {
        const writable = listAt(fields, 'volumeMounts').filter(
          (mount) => names.has(at(mount, 'name')) && differs(at(mount, 'readOnly'), true),
        );
        if (writable.length > 0)
          yield { at: where, got: `${writable.length} mounts without readOnly` };
      }
    }
    const service = swarmContainerOf(resource);
    const files = [
      ...listAt(service ?? {}, 'secrets').map((each) => at(each, 'fileMode')),
      ...fileServicesOf(resource)
        .filter(({ inSwarm }) => inSwarm)
        .flatMap(({ fields }) => listAt(fields, 'secrets').map((each) => at(each, 'mode'))),
    ];
    const loose = files.filter((mode) => mode !== unknown && numberOf(mode) !== 0o400);
    if (loose.length > 0)
      yield { at: 'service, secrets', got: `${loose.length} without mode 0400` };
  },
};

export const confinedService: Rule = {
  name: 'confined-service',
  what: 'A service of Docker has no capabilities, no new rights and nothing of the host',
  why: 'a container with the socket, a capability or a namespace of the host is the host',
  practice: 'privilege',
  severity: 'critical',
  allowed: 'cap_drop ALL, no-new-privileges, no privileged, no namespace and no socket of the host',
  fix: 'take the service from consumers/service.ts or swarm-service.ts',
  *judge(resource) {
    for (const { at: where, fields, inSwarm } of fileServicesOf(resource)) {
      if (lacks(fields, 'ALL', 'cap_drop'))
        yield { at: where, got: 'capabilities that were not dropped' };
      if (listAt(fields, 'cap_add').length > 0)
        yield { at: where, got: 'capabilities that were added' };
      // `docker stack deploy` ignores security_opt.
      const options = listAt(fields, 'security_opt').map(String);
      if (!inSwarm && !options.some((each) => each.startsWith('no-new-privileges')))
        yield { at: where, got: 'no no-new-privileges' };
      if (options.some((each) => each.endsWith('unconfined')))
        yield { at: where, got: 'a profile that is turned off' };
      if (fields.privileged === true) yield { at: where, got: 'privileged true' };
      for (const field of ['network_mode', 'pid', 'ipc', 'userns_mode', 'uts']) {
        if (fields[field] === 'host') yield { at: where, got: `${field} host` };
      }
      if (listAt(fields, 'ports').length > 0) yield { at: where, got: 'ports that are published' };
      if (listAt(fields, 'volumes').some(isSocket))
        yield { at: where, got: 'the socket of Docker' };
    }
    const spec = swarmContainerOf(resource);
    if (spec === undefined) return;
    if (lacks(spec, 'ALL', 'capDrops'))
      yield { at: 'service', got: 'capabilities that were not dropped' };
    if (listAt(spec, 'capAdds').length > 0)
      yield { at: 'service', got: 'capabilities that were added' };
    if (listAt(spec, 'mounts').some(isSocket)) yield { at: 'service', got: 'the socket of Docker' };
    const ports = listAt(resource.props, 'endpointSpec', 'ports');
    if (ports.length > 0) yield { at: 'service', got: `${shown(ports)} of published ports` };
  },
};

function isSocket(volume: unknown): boolean {
  const source = typeof volume === 'string' ? volume : at(volume, 'source');
  return typeof source === 'string' && source.includes('docker.sock');
}
