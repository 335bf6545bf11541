/**
 * The groups of a stack, by the real program's own components, in an env file, in AWS Secrets Manager and
 * in Vault at once: no cluster. Where the servers are stands in the environment.
 */
import { Provider as AwsProvider } from '@pulumi/aws/provider.js';
import { Provider as VaultProvider } from '@pulumi/vault/provider.js';
import { AwsSecretsManager } from '../../../components/delivery/aws-secrets-manager.ts';
import { envFile } from '../../../components/delivery/env-file.ts';
import { VaultKv } from '../../../components/delivery/vault.ts';
import { SecretGroup, TagKey } from '../../../components/values.ts';
import { readSettings } from '../../../settings.ts';

const settings = await readSettings();
const { stack, placeholders, prefix } = settings;
const region = 'eu-west-1';
const tagKey = new TagKey('tag').value;
const groups = settings.groups.map(
  (group) => new SecretGroup(group.name, { ...group, manner: group, placeholders, tagKey }),
);
const account = '123456789012';
const aws = {
  account,
  region,
  issuer: 'https://oidc.example.org',
  readerRole: 'reader',
  deployRoles: [`arn:aws:iam::${account}:role/deployer`],
  breakGlassRoles: [],
  recoveryWindowDays: 30,
};
new AwsSecretsManager(
  'aws-store',
  { groups, prefix, environment: settings.environment, aws, protect: false },
  { provider: new AwsProvider('aws', { region, allowedAccountIds: [account] }) },
);
const address = process.env.VAULT_ADDR ?? '';
const vault = { address, id: '', mount: 'secret', auth: 'kubernetes', readerRole: 'reader' };
new VaultKv(
  'vault-store',
  { groups, prefix, stack, vault, protect: false },
  { provider: new VaultProvider('vault', { address, skipChildToken: true }) },
);
const { name, next, where } = envFile.deliver('env-file', {
  groups,
  root: settings.outputDirectory,
  stack,
});

export const tags = Object.fromEntries(groups.map((group) => [group.name, group.shown]));
export const delivered = { [name]: { ...where, next } };
