import assert from 'node:assert/strict';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { ClusterTarget } from './cluster-target.ts';
import { conforms } from './suite.ts';

conforms(
  new ClusterTarget({
    name: 'aws-secrets-manager',
    owner: { backWithinSeconds: 30 },
    protect: false,
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
