/**
 * The schedule in a cluster: its objects field by field, by the API's own types; what it may do, by what the
 * program makes. That an API server takes them is asked in test/e2e/gitops.e2e.ts.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as api from '@kubernetes/client-node';
import { parse, parseAllDocuments } from 'yaml';
import { oldPlaces } from '../../operations/rotation/old-places.ts';
import type { StackState } from '../../operations/rotation/stack-state.ts';
import { canaryValues } from '../canary-values.ts';
import { KubernetesServer } from '../kubernetes-server.ts';
import { ids, runProgram } from '../program-run.ts';

const text = readFileSync('examples/schedule/cronjob.yaml', 'utf8');
const objects = parseAllDocuments(text).map((document) => document.toJS() as api.KubernetesObject);

function only<T>(kind: string): T {
  const found = objects.filter((each) => each.kind === kind);
  assert.equal(found.length, 1);
  return found[0] as T;
}

/** @returns paths of fields that the API's type does not have */
function unknownFields(value: unknown, type: string, path = ''): readonly string[] {
  const items = /^Array<(.*)>$/u.exec(type)?.[1];
  if (items !== undefined && Array.isArray(value))
    return value.flatMap((each, at) => unknownFields(each, items, `${path}[${at}]`));
  const model = (api as unknown as Record<string, { getAttributeTypeMap?: () => Attribute[] }>)[
    type
  ];
  if (model?.getAttributeTypeMap === undefined) return [];
  if (typeof value !== 'object' || value === null) return [`${path}: no ${type}`];
  const attributes = model.getAttributeTypeMap();
  return Object.entries(value).flatMap(([name, each]) => {
    const attribute = attributes.find(({ baseName }) => baseName === name);
    return attribute === undefined
      ? [`${path}.${name}`]
      : unknownFields(each, attribute.type, `${path}.${name}`);
  });
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

const cronJob = only<api.V1CronJob>('CronJob');
const pod = cronJob.spec?.jobTemplate.spec?.template.spec;
const container = pod?.containers[0];

describe('the schedule in a cluster', () => {
  it('has no field that the API does not have', () => {
    for (const object of objects)
      assert.deepEqual(unknownFields(object, `V1${object.kind}`), [], object.kind);
    // The control: deep inside of one.
    const wrong = structuredClone(cronJob) as {
      spec: { jobTemplate: { spec: { template: { spec: object } } } };
    };
    Object.assign(wrong.spec.jobTemplate.spec.template.spec, { hostName: 'x' });
    assert.deepEqual(unknownFields(wrong, 'V1CronJob'), [
      '.spec.jobTemplate.spec.template.spec.hostName',
    ]);
  });

  it('never runs two at once, and tries nothing again by itself', () => {
    assert.equal(cronJob.spec?.concurrencyPolicy, 'Forbid');
    assert.equal(cronJob.spec?.jobTemplate.spec?.backoffLimit, 0);
    assert.equal(pod?.restartPolicy, 'Never');
    assert.deepEqual(only<api.V1PersistentVolumeClaim>('PersistentVolumeClaim').spec?.accessModes, [
      'ReadWriteOncePod',
    ]);
    // A dead run's lock is broken on its own host alone.
    assert.equal(pod?.hostname, 'rotation');
  });

  it('is what Pod Security calls restricted, and its namespace enforces that', () => {
    assert.equal(
      only<api.V1Namespace>('Namespace').metadata?.labels?.['pod-security.kubernetes.io/enforce'],
      'restricted',
    );
    assert.equal(pod?.securityContext?.runAsNonRoot, true);
    assert.equal(pod?.securityContext?.seccompProfile?.type, 'RuntimeDefault');
    assert.deepEqual(container?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('has the passphrase as a file, and no value in its environment', () => {
    for (const { name, value, valueFrom } of container?.env ?? []) {
      assert.equal(typeof value, 'string', name);
      assert.equal(valueFrom, undefined);
    }
    const [passphrase] = pod?.volumes?.filter(({ secret }) => secret !== undefined) ?? [];
    const mount = container?.volumeMounts?.find(({ name }) => name === passphrase?.name);
    const file = container?.env?.find(({ name }) => name === 'PULUMI_CONFIG_PASSPHRASE_FILE');
    assert.ok(file?.value?.startsWith(`${mount?.mountPath}/`));
  });

  it('keeps state and ledger on the volume', () => {
    const kept = container?.volumeMounts?.filter(({ name }) => name === 'state');
    assert.deepEqual(
      kept?.map(({ mountPath }) => mountPath),
      ['/app/.local', '/app/ledger'],
    );
  });

  it('passes for done when something waits for a person, and fails when a rotation did', () => {
    const [script = ''] = container?.args ?? [];
    for (const [said, code] of [
      [0, 0],
      [2, 0],
      [1, 1],
      [130, 130],
    ] as const) {
      const run = `npm() { return ${said}; }\n${script}`;
      const status = (() => {
        try {
          execFileSync('sh', ['-c', run], { stdio: 'pipe' });
          return 0;
        } catch (error) {
          return (error as { status: number }).status;
        }
      })();
      assert.equal(status, code);
    }
  });

  it('may read every kind of object that the stack refreshes, and write no more than a rotation does', async () => {
    const settings = { ...ids, targets: ['kubernetes'] };
    const { recorder } = await runProgram('prod', false, canaryValues(), undefined, settings);
    const kinds = recorder.registrations
      .filter(({ type }) => type.startsWith('kubernetes:'))
      .map(({ type }) => `${(type.split(':')[2] ?? '').toLowerCase().replace(/y$/u, 'ie')}s`);
    assert.ok(kinds.length > 10);
    const { rules = [] } = only<api.V1Role>('Role');
    const cluster = only<api.V1ClusterRole>('ClusterRole').rules ?? [];
    const readable = [...rules, ...cluster].flatMap(({ resources = [], verbs }) =>
      verbs.includes('get') ? resources : [],
    );
    assert.deepEqual(
      kinds.filter((kind) => !readable.includes(kind)),
      [],
    );
    const writable = rules.flatMap(({ resources = [], verbs }) =>
      verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)) ? resources : [],
    );
    assert.deepEqual(writable, ['secrets', 'deployments', 'jobs']);
    for (const { resources = [], verbs } of [...rules, ...cluster]) {
      assert.ok(![...resources, ...verbs].includes('*'));
      if (resources.includes('secrets')) assert.ok(!verbs.includes('watch'));
    }
    assert.deepEqual(cluster, [
      {
        apiGroups: [''],
        resources: ['namespaces'],
        resourceNames: ['hummingbot', 'kube-system'],
        verbs: ['get'],
      },
    ]);
  });

  it('may ask what a rotation asks, before it revokes anything: whether old Secrets are gone', async () => {
    const server = new KubernetesServer();
    await server.start();
    const folder = mkdtempSync(join(tmpdir(), 'cronjob-'));
    const { KUBECONFIG: before } = process.env;
    process.env.KUBECONFIG = join(folder, 'kubeconfig');
    writeFileSync(process.env.KUBECONFIG, server.kubeconfig());
    try {
      const state = {
        delivered: { kubernetes: { namespace: 'hummingbot', next: '' } },
      } as unknown as StackState;
      const settings = { kubeContext: 'test' };
      assert.deepEqual(
        await oldPlaces({ stack: 'prod', groups: ['trading'], state, settings }),
        [],
      );
    } finally {
      if (before === undefined) delete process.env.KUBECONFIG;
      else process.env.KUBECONFIG = before;
      rmSync(folder, { recursive: true });
      await server.stop();
    }
    assert.ok(server.requests.length > 0);
    const { rules = [] } = only<api.V1Role>('Role');
    for (const { method, path } of server.requests) {
      const [, resource = '', name] =
        /^\/api\/v1\/namespaces\/hummingbot\/([a-z]+)(?:\/(.+))?$/u.exec(path) ?? [];
      const verb = name === undefined ? 'list' : 'get';
      assert.equal(method, 'GET');
      assert.ok(
        rules.some((each) => each.resources?.includes(resource) && each.verbs.includes(verb)),
        `${verb} ${path}`,
      );
    }
  });

  it('gives its token when it is asked for, and keeps it nowhere', () => {
    const config = only<api.V1ConfigMap>('ConfigMap').data?.kubeconfig ?? '';
    const { users } = parse(config) as {
      users: readonly { user: { exec: { command: string; args: readonly string[] } } }[];
    };
    const { command = '', args = [] } = users[0]?.user.exec ?? {};
    const place = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    const script = args[1]?.replace(place, '/proc/sys/kernel/ostype') ?? '';
    const said = JSON.parse(execFileSync(command, ['-c', script], { encoding: 'utf8' }));
    assert.deepEqual(said.status, { token: 'Linux' });
    const read = new api.KubeConfig();
    read.loadFromString(config);
    assert.equal(read.getCurrentUser()?.exec.apiVersion, said.apiVersion);
    assert.equal(read.getCurrentUser()?.token, undefined);
  });
});
