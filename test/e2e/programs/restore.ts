/**
 * The shape of the real program's store: an explicit provider, a component, a protected key and
 * secrets, a role, and the guard before them.
 */
import { Role } from '@pulumi/aws/iam/role.js';
import { Alias } from '@pulumi/aws/kms/alias.js';
import { Key } from '@pulumi/aws/kms/key.js';
import { Provider } from '@pulumi/aws/provider.js';
import { Secret } from '@pulumi/aws/secretsmanager/secret.js';
import { SecretPolicy } from '@pulumi/aws/secretsmanager/secretPolicy.js';
import { SecretVersion } from '@pulumi/aws/secretsmanager/secretVersion.js';
import * as pulumi from '@pulumi/pulumi';
import {
  getDeletedSecrets,
  refusalOfDeleted,
} from '../../../plugins/hummingbot/get-deleted-secrets.ts';

const config = new pulumi.Config('hummingbot-secrets');
const region = config.require('region');
const names = ['trading', 'monitoring'];
const provider = new Provider('aws', { region, allowedAccountIds: [config.require('account')] });
const refusal = refusalOfDeleted(
  pulumi.getStack(),
  await getDeletedSecrets({ region, names: names.map((name) => `hummingbot/${name}`) }),
);
if (refusal !== undefined) throw new pulumi.RunError(refusal);

class Store extends pulumi.ComponentResource {
  constructor(name: string, opts: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:delivery:AwsSecretsManager', name, {}, opts);
    const parent = { parent: this };
    const own = { ...parent, protect: true };
    const key = new Key(
      'key',
      {
        description: 'Encrypts the secrets below hummingbot/',
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        tags: { environment: 'dev' },
      },
      own,
    );
    new Alias('alias', { name: 'alias/hummingbot-secrets', targetKeyId: key.keyId }, parent);
    for (const group of names) {
      const secret = new Secret(
        group,
        {
          name: `hummingbot/${group}`,
          description: group,
          kmsKeyId: key.arn,
          recoveryWindowInDays: 30,
          tags: { environment: 'dev', group },
        },
        own,
      );
      const policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Principal: '*',
            Action: 'secretsmanager:GetSecretValue',
            Resource: '*',
          },
        ],
      });
      const args = { secretArn: secret.arn, policy, blockPublicPolicy: true };
      new SecretPolicy(`${group}-policy`, args, parent);
      if (group === 'monitoring') continue;
      new SecretVersion(
        `${group}-version`,
        { secretId: secret.id, secretString: config.requireSecret('e2e') },
        { ...parent, retainOnDelete: true },
      );
    }
    const assumeRolePolicy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRole' }],
    });
    new Role('reader', { name: 'hummingbot-reader', assumeRolePolicy }, parent);
    this.registerOutputs({});
  }
}

new Store('store', { provider });
