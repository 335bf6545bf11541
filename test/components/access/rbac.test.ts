import assert from 'node:assert/strict';
import { canaryValues } from '../../canary-values.ts';
import { ids, type Run, runProgram } from '../../program-run.ts';
import { mocked, Recorder } from '../../recorder.ts';

const role = 'kubernetes:rbac.authorization.k8s.io/v1:Role';
const binding = 'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding';

describe('access in the cluster', () => {
  let run: Run;
  before(async () => {
    const readers = {
      trading: ['User:ann@example.org', 'Group:desk'],
      monitoring: ['ServiceAccount:alerts/alertmanager'],
    };
    const settings = { ...ids, readers, operator: 'eso/controller' };
    run = await runProgram('prod', false, canaryValues(), new Recorder(), settings);
  });

  it('lets those who are listed get the Secret of today by name, and never list or watch', () => {
    const { inputs } = run.recorder.one(role, 'hummingbot-trading-reader');
    const today = run.recorder.one(
      'kubernetes:external-secrets.io/v1:ExternalSecret',
      'trading-external-secret',
    ).inputs.metadata as { name: string };
    assert.match(today.name, /^hummingbot-trading-keys-/);
    assert.deepEqual(inputs.rules, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: [today.name], verbs: ['get'] },
    ]);
    for (const each of run.recorder.of(role)) {
      for (const rule of each.inputs.rules as Record<string, string[]>[]) {
        assert.ok((rule.resourceNames ?? []).length > 0);
        assert.ok(!rule.verbs?.some((verb) => !['get', 'create'].includes(verb)));
      }
    }
  });

  it('names users and groups as RBAC does, and service accounts with their namespace', () => {
    const apiGroup = 'rbac.authorization.k8s.io';
    assert.deepEqual(run.recorder.one(binding, 'hummingbot-trading-reader').inputs.subjects, [
      { kind: 'User', name: 'ann@example.org', apiGroup },
      { kind: 'Group', name: 'desk', apiGroup },
    ]);
    assert.deepEqual(run.recorder.one(binding, 'hummingbot-monitoring-reader').inputs.subjects, [
      { kind: 'ServiceAccount', name: 'alertmanager', namespace: 'alerts' },
    ]);
  });

  it('grants nothing of a group that nobody is listed for', () => {
    assert.deepEqual(
      run.recorder
        .of(role)
        .map(({ name }) => name)
        .sort(),
      [
        'hummingbot-monitoring-reader',
        'hummingbot-secrets-reader-token',
        'hummingbot-trading-reader',
      ],
    );
  });

  it('gives the operator a token of one service account, and of no other', () => {
    assert.deepEqual(run.recorder.one(role, 'hummingbot-secrets-reader-token').inputs.rules, [
      {
        apiGroups: [''],
        resources: ['serviceaccounts/token'],
        resourceNames: ['hummingbot-secrets-reader'],
        verbs: ['create'],
      },
    ]);
    assert.deepEqual(run.recorder.one(binding, 'hummingbot-secrets-reader-token').inputs.subjects, [
      { kind: 'ServiceAccount', name: 'controller', namespace: 'eso' },
    ]);
  });

  it('mounts no token by itself, and ties only one account to a role of the cloud', () => {
    const accounts = run.recorder.of('kubernetes:core/v1:ServiceAccount');
    assert.deepEqual(
      accounts.map(({ inputs }) => inputs.automountServiceAccountToken),
      [false, false],
    );
    const annotations = accounts.map(({ name, inputs }) => [
      name,
      (inputs.metadata as { annotations?: object }).annotations,
    ]);
    assert.deepEqual(Object.fromEntries(annotations), {
      hummingbot: undefined,
      'hummingbot-secrets-reader': {
        'eks.amazonaws.com/role-arn': `arn:aws:iam::${mocked.account}:role/hummingbot-prod-secrets-reader`,
      },
    });
  });

  it('grants nothing to the bot, and nothing beyond the namespace', () => {
    const subjects = run.recorder.of(binding).flatMap(({ inputs }) => inputs.subjects as object[]);
    assert.ok(!JSON.stringify(subjects).includes('"name":"hummingbot"'));
    assert.deepEqual(
      run.recorder.registrations.filter(({ type }) => type.includes('ClusterRole')),
      [],
    );
  });
});
