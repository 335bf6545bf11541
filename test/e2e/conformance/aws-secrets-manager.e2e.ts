import assert from 'node:assert/strict';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { AwsFaultProxy } from '../aws-fault-proxy.ts';
import { noNewVersion } from './breakage.ts';
import { ClusterTarget } from './cluster-target.ts';
import { conforms } from './suite.ts';

let proxy: AwsFaultProxy | undefined;

conforms(
  new ClusterTarget({
    name: 'aws-secrets-manager',
    owner: { backWithinSeconds: 30 },
    protect: false,
    /** Two tries where the official provider has 25: what does not pass is told in seconds. */
    prepare: async (stack) => {
      proxy = await AwsFaultProxy.start(stack.environment.AWS_ENDPOINT_URL ?? '');
      stack.detour = { AWS_ENDPOINT_URL: proxy.endpoint, AWS_MAX_ATTEMPTS: '2' };
      return async () => await proxy?.stop();
    },
    storeFails: () =>
      noNewVersion(() => {
        assert.ok(proxy);
        return proxy;
      }),
    /** Those that wait for their deletion are not listed. */
    stored: async (stack) => {
      const { SecretList = [] } = await stack.secretsManager().send(new ListSecretsCommand({}));
      return SecretList.map(({ Name }) => `AWS ${Name}`);
    },
    /** Its name waits for its deletion until then. */
    bringBack: async (stack) => {
      const { code, stdout, stderr } = await stack.run('npm', [
        'run',
        'restore',
        '--',
        '--stack',
        'prod',
      ]);
      assert.equal(code, 0, stdout + stderr);
    },
  }),
);
