import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { ClusterTarget } from './cluster-target.ts';
import { conforms } from './suite.ts';

conforms(
  new ClusterTarget({
    name: 'aws-secrets-manager',
    owner: { backWithinSeconds: 30 },
    /** Those that wait for their deletion are not listed. */
    stored: async (stack) => {
      const { SecretList = [] } = await stack.secretsManager().send(new ListSecretsCommand({}));
      return SecretList.map(({ Name }) => `AWS ${Name}`);
    },
  }),
);
