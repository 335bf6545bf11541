/**
 * `hummingbot:index:getDeletedSecrets`: which names in AWS Secrets Manager wait for their
 * deletion. Such a name cannot be made again, and can be had back (operations/restore.ts). The
 * official provider has no function that tells: its getSecret knows living secrets alone.
 */
import { PluginError, type Properties } from '../provider-server.ts';

/**
 * @param args `region` and `names`
 * @returns `deleted`: those of the names that wait for their deletion. A name that may not be
 * described counts as none of them: the provider will say why.
 */
export async function findDeletedSecrets(args: Properties): Promise<Properties> {
  const { region, names } = args;
  if (typeof region !== 'string' || !Array.isArray(names)) {
    throw new PluginError('getDeletedSecrets: got no region or names; allowed: text and a list');
  }
  // Loaded only here: most stacks need no AWS.
  const { SecretsManagerClient, DescribeSecretCommand } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  // One that is throttled away would count as none.
  const client = new SecretsManagerClient({ region, maxAttempts: 10 });
  const isDeleted = async (SecretId: string): Promise<boolean> => {
    try {
      const found = await client.send(new DescribeSecretCommand({ SecretId }));
      return found.DeletedDate !== undefined;
    } catch {
      return false;
    }
  };
  const deleted = await Promise.all((names as readonly string[]).map(isDeleted));
  client.destroy();
  return { deleted: names.filter((_, at) => deleted[at]) };
}
