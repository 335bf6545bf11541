import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { beyondBindings } from '../../../operations/access/authorizer.ts';
import { makeCanary } from '../../canary.ts';

const token = makeCanary('token');

function kubeconfig(server: string, user: object = { token }): string {
  return stringify({
    clusters: [{ name: 'x', cluster: { server } }],
    users: [{ name: 'x', user }],
  });
}

describe('what authorises beside bindings', () => {
  const aws = { exec: { command: 'aws', args: ['--region', 'x', 'eks', 'get-token'] } };
  for (const [name, text, expected] of [
    ['EKS by its address', kubeconfig('https://A1.gr7.us-east-1.eks.amazonaws.com'), /EKS/],
    ['EKS by its program', kubeconfig('https://10.0.0.1', aws), /EKS.*list-access-entries/],
    [
      'GKE by its program',
      kubeconfig('https://34.1.2.3', { exec: { command: '/usr/bin/gke-gcloud-auth-plugin' } }),
      /Google Cloud/,
    ],
    ['AKS by its address', kubeconfig('https://x-1.hcp.westeurope.azmk8s.io:443'), /Azure/],
    ['any other cluster', kubeconfig('https://10.0.0.1:6443'), /an authorizer beside RBAC/],
    ['a look-alike', kubeconfig('https://eks.amazonaws.com.evil.example'), /beside RBAC/],
    ['what is no kubeconfig', '', /beside RBAC/],
  ] as const) {
    it(`is said of ${name}, in a line without a credential`, () => {
      const line = beyondBindings(text);
      assert.match(line, /^Kubernetes: whom [^\n]+ let[^\n]*; no binding names them/);
      assert.match(line, expected);
      assert.ok(!line.includes(token));
    });
  }
});
