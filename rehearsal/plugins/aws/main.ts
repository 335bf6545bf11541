/**
 * Rehearsal plugin for `aws`: used only where the official one cannot be had. It makes the types
 * that the program uses and refuses all others. README.md beside it lists what is the same as in
 * the official provider and what is not.
 */
import { serve } from '../../../plugins/provider-server.ts';
import { Account } from './account.ts';
import { Alias } from './alias.ts';
import { Key } from './key.ts';
import { Role } from './role.ts';
import { RolePolicy } from './role-policy.ts';
import { Secret } from './secret.ts';
import { SecretPolicy } from './secret-policy.ts';
import { SecretVersion } from './secret-version.ts';

const account = new Account();
const role = new Role(account);

await serve(
  '7.48.0',
  {
    'aws:kms/key:Key': new Key(account),
    'aws:kms/alias:Alias': new Alias(account),
    'aws:secretsmanager/secret:Secret': new Secret(account),
    'aws:secretsmanager/secretVersion:SecretVersion': new SecretVersion(account),
    'aws:secretsmanager/secretPolicy:SecretPolicy': new SecretPolicy(account),
    'aws:iam/role:Role': role,
    'aws:iam/rolePolicy:RolePolicy': new RolePolicy(account),
  },
  {
    configuration: account,
    invokes: {
      'aws:index/getCallerIdentity:getCallerIdentity': async () => {
        const { accountId, arn, userId } = await account.identity();
        return { accountId, arn, id: accountId, userId };
      },
      'aws:iam/getRole:getRole': async ({ name }) => await role.found(String(name)),
    },
  },
);
