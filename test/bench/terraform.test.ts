import assert from 'node:assert/strict';
import { argumentsOf, configurationOf, type Manifest } from './terraform.ts';

const namespace: Manifest = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'bench', labels: { 'a/B': 'c' } },
  spec: { finalizers: ['kubernetes'] },
};

describe('a manifest as terraform has it', () => {
  it('says members in snake case and lists by the word for one, and leaves data as it is', () => {
    const role = argumentsOf({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r', namespace: 'bench', labels: { camelCase: 'x' } },
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['s'], verbs: ['get'] }],
    });
    assert.deepEqual(role, {
      metadata: { name: 'r', namespace: 'bench', labels: { camelCase: 'x' } },
      rule: [{ api_groups: [''], resources: ['secrets'], resource_names: ['s'], verbs: ['get'] }],
    });
  });

  it('has ports as text, and limits by the word for one', () => {
    const policy = argumentsOf({
      kind: 'NetworkPolicy',
      metadata: { name: 'n' },
      spec: { podSelector: {}, egress: [{ ports: [{ port: 443, protocol: 'TCP' }] }] },
    });
    assert.deepEqual(policy.spec, {
      pod_selector: {},
      egress: [{ ports: [{ port: '443', protocol: 'TCP' }] }],
    });
    const limits = argumentsOf({
      kind: 'LimitRange',
      metadata: { name: 'l' },
      spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '1' } }] },
    });
    assert.deepEqual(limits.spec, {
      limit: [{ type: 'Container', default_request: { cpu: '1' } }],
    });
  });

  it('comes after its namespace, of which only the metadata is written', () => {
    const map: Manifest = {
      kind: 'ConfigMap',
      metadata: { name: 'a.b' },
      data: { x: '${y} %{z}' },
    };
    const { resource } = JSON.parse(configurationOf([namespace, map], '/k')) as {
      resource: Record<string, Record<string, object>>;
    };
    assert.deepEqual(resource.kubernetes_namespace, {
      'x-bench': { metadata: { name: 'bench', labels: { 'a/B': 'c' } } },
    });
    assert.deepEqual(resource.kubernetes_config_map, {
      'x-a-b': {
        metadata: { name: 'a.b' },
        data: { x: '$${y} %%{z}' },
        depends_on: ['kubernetes_namespace.x-bench'],
      },
    });
  });
});
