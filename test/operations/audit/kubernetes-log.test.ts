import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { AccessEvent } from '../../../operations/audit/event.ts';
import { judgeOf } from '../../../operations/audit/judge.ts';
import { KubernetesLog } from '../../../operations/audit/kubernetes-log.ts';
import { Tally } from '../../../operations/audit/tally.ts';
import { makeCanary } from '../../canary.ts';
import { expecting, kubernetesEntry, operators } from './entries.ts';

const canary = makeCanary('audit');
const judge = judgeOf(expecting, operators);

function eventOf(entry: object, log = new KubernetesLog('hummingbot')): AccessEvent | undefined {
  const line = log.lineOf(JSON.stringify(entry));
  return line.kind === 'event' ? line.event : undefined;
}

describe("the API server's audit log", () => {
  const trading = 'hummingbot-trading-keys-0011aabb';
  const cases: readonly (readonly [string, object, string | undefined])[] = [
    ['a listed user', kubernetesEntry('get', trading, 'ann'), 'readers.trading'],
    [
      'a member of a listed group',
      kubernetesEntry('get', 'hummingbot-monitoring', 'bob', { groups: ['oncall'] }),
      'readers.monitoring',
    ],
    [
      "another team's account",
      kubernetesEntry('get', 'hummingbot-monitoring', 'system:serviceaccount:watch:alertmanager'),
      'readers.monitoring',
    ],
    [
      'the operator',
      kubernetesEntry('watch', '', 'system:serviceaccount:external-secrets:external-secrets'),
      'brings the Secrets',
    ],
    [
      'the node that runs the bot',
      kubernetesEntry('get', trading, 'system:node:n1'),
      'node of hummingbot',
    ],
    [
      'a controller',
      kubernetesEntry('list', '', 'system:serviceaccount:kube-system:generic-garbage-collector'),
      'a part of Kubernetes',
    ],
    ['an administrator', kubernetesEntry('list', '', 'deployer'), 'administrators'],
    [
      'the break-glass certificate of a cluster',
      kubernetesEntry('list', '', 'kubernetes-admin', { groups: ['system:masters'] }),
      'system:masters',
    ],
    ['a stranger', kubernetesEntry('get', trading, 'eve'), undefined],
    [
      'a reader of another group',
      kubernetesEntry('get', 'hummingbot-infrastructure', 'ann'),
      undefined,
    ],
    ['a reader who lists', kubernetesEntry('list', '', 'ann'), undefined],
    [
      'somebody who lists all of the cluster',
      kubernetesEntry('list', '', 'eve', { namespace: undefined }),
      undefined,
    ],
    [
      'somebody in the name of a reader',
      {
        ...kubernetesEntry('get', trading, 'eve'),
        impersonatedUser: { username: 'ann', groups: [] },
      },
      undefined,
    ],
    [
      'an account of kube-system by name alone',
      kubernetesEntry('get', trading, 'system:serviceaccount:other:kube-system'),
      undefined,
    ],
    ['a node that lists all', kubernetesEntry('list', '', 'system:node:n1'), undefined],
  ];
  for (const [name, entry, expected] of cases) {
    it(`knows ${name}: ${expected ?? 'not expected'}`, () => {
      const event = eventOf(entry);
      assert.ok(event);
      assert.equal(event.deed, 'read');
      assert.equal(judge(event), expected);
    });
  }

  it('has the ways to a value: exec, tokens, rights, stores', () => {
    const on = (
      resource: string,
      subresource: string | undefined,
      apiGroup: string,
      verb = 'create',
    ) =>
      eventOf({
        ...kubernetesEntry(verb, 'x', 'eve'),
        objectRef: { resource, subresource, apiGroup, namespace: 'hummingbot', name: 'x' },
      });
    assert.equal(on('pods', 'exec', '')?.deed, 'exec');
    assert.equal(on('serviceaccounts', 'token', '')?.deed, 'token');
    assert.equal(on('rolebindings', undefined, 'rbac.authorization.k8s.io')?.deed, 'rights');
    assert.equal(on('secretstores', undefined, 'external-secrets.io', 'patch')?.deed, 'store');
    assert.equal(on('sealedsecrets', undefined, 'bitnami.com', 'update')?.deed, 'store');
    assert.equal(on('secretstores', 'status', 'external-secrets.io', 'patch'), undefined);
    assert.equal(on('configmaps', undefined, ''), undefined);
  });

  describe('who makes what mounts a Secret', () => {
    const on = (who: string, verb: string, resource: string, more: object = {}) =>
      eventOf({
        ...kubernetesEntry(verb, 'x', who),
        objectRef: {
          resource,
          ...(/^(?:deploy|stateful|daemon|replicasets)/u.test(resource) && { apiGroup: 'apps' }),
          ...(/jobs$/u.test(resource) && { apiGroup: 'batch' }),
          namespace: 'hummingbot',
          name: 'x',
          ...more,
        },
      });
    const controller = (name: string): string => `system:serviceaccount:kube-system:${name}`;

    it('is a way to a value, whatever the kind, and not expected of a stranger', () => {
      for (const resource of [
        ...['pods', 'replicationcontrollers', 'deployments', 'statefulsets', 'daemonsets'],
        ...['replicasets', 'jobs', 'cronjobs'],
      ]) {
        for (const verb of ['create', 'update', 'patch']) {
          const event = on('eve', verb, resource);
          assert.equal(event?.deed, 'workload', `${verb} ${resource}`);
          assert.equal(judge(event), undefined, `${verb} ${resource}`);
        }
      }
      for (const who of [
        'ann',
        'system:node:n1',
        'system:serviceaccount:external-secrets:external-secrets',
        'system:serviceaccount:hummingbot:default',
      ]) {
        const event = on(who, 'create', 'pods');
        assert.ok(event && judge(event) === undefined, who);
      }
    });

    it('is expected of administrators, and of each controller for its own kinds', () => {
      const expected = (who: string, verb: string, resource: string): string | undefined => {
        const event = on(who, verb, resource);
        assert.ok(event, `${verb} ${resource}`);
        return judge(event);
      };
      assert.equal(expected('deployer', 'patch', 'deployments'), 'administrators');
      for (const [name, verb, resource] of [
        ['deployment-controller', 'create', 'replicasets'],
        ['replicaset-controller', 'create', 'pods'],
        ['statefulset-controller', 'update', 'pods'],
        ['daemon-set-controller', 'create', 'pods'],
        ['cronjob-controller', 'create', 'jobs'],
        ['job-controller', 'create', 'pods'],
        ['replication-controller', 'create', 'pods'],
        ['generic-garbage-collector', 'patch', 'pods'],
      ] as const) {
        assert.equal(expected(controller(name), verb, resource), 'a part of Kubernetes', name);
      }
      assert.equal(expected(controller('deployment-controller'), 'create', 'pods'), undefined);
      assert.equal(expected(controller('replicaset-controller'), 'create', 'jobs'), undefined);
      assert.equal(expected(controller('generic-garbage-collector'), 'create', 'pods'), undefined);
      assert.equal(expected(controller('mine'), 'create', 'pods'), undefined);
    });

    it('is no look at it, no status, no number of copies, and nothing elsewhere', () => {
      assert.equal(on('eve', 'get', 'pods'), undefined);
      assert.equal(on('eve', 'delete', 'pods'), undefined);
      assert.equal(on('eve', 'patch', 'pods', { subresource: 'status' }), undefined);
      assert.equal(on('eve', 'update', 'deployments', { subresource: 'scale' }), undefined);
      assert.equal(on('eve', 'create', 'pods', { namespace: 'other' }), undefined);
      assert.equal(on('eve', 'create', 'jobs', { apiGroup: 'example.com' }), undefined);
    });

    it('is a row by its name, but for the many that a controller makes', () => {
      const tally = new Tally(judge);
      for (const [who, name] of [
        [controller('replicaset-controller'), 'hummingbot-1'],
        [controller('replicaset-controller'), 'hummingbot-2'],
        ['eve', 'mine'],
      ] as const) {
        const event = on(who, 'create', 'pods', { name });
        assert.ok(event);
        tally.add(event);
      }
      assert.deepEqual(
        tally.rows.map(({ what, count, expected }) => [what, count, expected]),
        [
          ['pods mine', 1, null],
          ['pods', 2, 'a part of Kubernetes'],
        ],
      );
    });
  });

  it('expects accounts of kube-system by name, and for what they do', () => {
    const reason = (name: string, verb: string, resource = 'secrets', apiGroup = '') => {
      const event = eventOf({
        ...kubernetesEntry(verb, trading, `system:serviceaccount:kube-system:${name}`),
        objectRef: { resource, apiGroup, namespace: 'hummingbot', name: trading },
      });
      assert.ok(event);
      return judge(event);
    };
    const part = 'a part of Kubernetes';
    const rbac = 'rbac.authorization.k8s.io';
    assert.equal(reason('generic-garbage-collector', 'delete'), part);
    assert.equal(reason('namespace-controller', 'deletecollection'), part);
    assert.equal(reason('resourcequota-controller', 'watch'), part);
    assert.equal(reason('legacy-service-account-token-cleaner', 'patch'), part);
    assert.equal(reason('namespace-controller', 'delete', 'rolebindings', rbac), part);
    assert.equal(reason('clusterrole-aggregation-controller', 'patch', 'clusterroles', rbac), part);
    assert.equal(reason('planted', 'get'), undefined);
    assert.equal(reason('replicaset-controller', 'get'), undefined);
    assert.equal(reason('resourcequota-controller', 'get'), undefined);
    assert.equal(reason('namespace-controller', 'patch'), undefined);
    assert.equal(reason('namespace-controller', 'create', 'rolebindings', rbac), undefined);
    assert.equal(reason('constructor', 'get'), undefined);
    const user = (name: string, verb: string): string | undefined => {
      const event = eventOf(kubernetesEntry(verb, '', name, { namespace: undefined }));
      return event && judge(event);
    };
    assert.equal(user('system:kube-controller-manager', 'watch'), part);
    assert.equal(user('system:kube-mine', 'list'), undefined);
    const token = eventOf({
      ...kubernetesEntry(
        'create',
        'x',
        'system:serviceaccount:kube-system:generic-garbage-collector',
      ),
      objectRef: {
        resource: 'serviceaccounts',
        subresource: 'token',
        namespace: 'hummingbot',
        name: 'hummingbot-secrets-reader',
      },
    });
    assert.ok(token && judge(token) === undefined);
  });

  it('says what was refused, and leaves out what is not of the stack', () => {
    assert.equal(eventOf(kubernetesEntry('get', trading, 'eve', { code: 403 }))?.refused, true);
    assert.equal(eventOf(kubernetesEntry('get', 'unrelated', 'eve')), undefined);
    assert.equal(
      eventOf(kubernetesEntry('get', trading, 'eve', { namespace: 'other' })),
      undefined,
    );
  });

  it('counts a watch once, at its beginning where the log has beginnings', () => {
    const log = new KubernetesLog('hummingbot');
    const began = { ...kubernetesEntry('watch', '', 'eve'), stage: 'ResponseStarted' };
    const done = kubernetesEntry('watch', '', 'eve');
    assert.ok(eventOf(began, log));
    assert.equal(eventOf(done, log), undefined);
    assert.ok(eventOf(done));
    assert.equal(
      eventOf({ ...kubernetesEntry('get', trading, 'eve'), stage: 'RequestReceived' }),
      undefined,
    );
  });

  it('takes no body and no foreign text into an event, and says that there are bodies', () => {
    const body = { data: { kraken_api_key: Buffer.from(canary).toString('base64') } };
    const entry = {
      ...kubernetesEntry('get', trading, `eve ${canary} <x>`),
      requestObject: body,
      responseObject: body,
      annotations: { x: canary },
    };
    assert.ok(!JSON.stringify(eventOf(entry)).includes(canary));
    const log = new KubernetesLog('hummingbot');
    const started = { ...entry, stage: 'RequestReceived' };
    assert.deepEqual(log.lineOf(JSON.stringify(started)), { kind: 'other', bodies: true });
    const ref = { resource: 'serviceaccounts', subresource: 'token', namespace: 'x', name: 'x' };
    const token = log.lineOf(JSON.stringify({ ...entry, objectRef: ref }));
    assert.deepEqual(token, { kind: 'other', bodies: true });
  });

  it('is not what is no audit entry', () => {
    const log = new KubernetesLog('hummingbot');
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '5',
      '{"kind":"Event"}',
      '{"kind":"Event","apiVersion":"v1"}',
    ]) {
      assert.equal(log.lineOf(text).kind, 'unknown', text);
    }
  });
});

describe('the audit policy that people are given', () => {
  interface Rule {
    readonly level: string;
    readonly verbs?: readonly string[];
    readonly resources?: readonly {
      readonly group: string;
      readonly resources?: readonly string[];
    }[];
  }
  const policy = parse(readFileSync('examples/audit/policy.yaml', 'utf8')) as {
    readonly kind: string;
    readonly rules: readonly Rule[];
  };

  function levelOf(verb: string, group: string, resource: string): string {
    const rule = policy.rules.find(
      ({ verbs, resources }) =>
        (verbs === undefined || verbs.includes(verb)) &&
        (resources === undefined ||
          resources.some(
            (each) =>
              each.group === group &&
              (each.resources === undefined || each.resources.includes(resource)),
          )),
    );
    return rule?.level ?? 'None';
  }

  it('records no body of anything', () => {
    assert.equal(policy.kind, 'Policy');
    assert.deepEqual(
      new Set(policy.rules.map(({ level }) => level)),
      new Set(['Metadata', 'None']),
    );
  });

  it('records every touch of a Secret, and the ways to one', () => {
    for (const verb of [
      'get',
      'list',
      'watch',
      'create',
      'update',
      'patch',
      'delete',
      'deletecollection',
    ])
      assert.equal(levelOf(verb, '', 'secrets'), 'Metadata');
    for (const [verb, group, resource] of [
      ['create', '', 'pods/exec'],
      ['get', '', 'pods/attach'],
      ['patch', '', 'pods/ephemeralcontainers'],
      ['create', '', 'serviceaccounts/token'],
      ['create', 'rbac.authorization.k8s.io', 'rolebindings'],
      ['patch', 'external-secrets.io', 'secretstores'],
      ['create', '', 'pods'],
      ['create', '', 'replicationcontrollers'],
      ['patch', 'apps', 'deployments'],
      ['create', 'batch', 'cronjobs'],
    ] as const) {
      assert.equal(levelOf(verb, group, resource), 'Metadata', `${verb} ${resource}`);
    }
    assert.equal(levelOf('get', '', 'configmaps'), 'None');
  });
});
