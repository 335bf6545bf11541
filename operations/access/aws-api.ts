/** What AWS is asked of an account and its secrets, through its own clients. No value is asked for. */
import type { GetAccountAuthorizationDetailsResponse } from '@aws-sdk/client-iam';
import type { ListGrantsResponse } from '@aws-sdk/client-kms';
import type { DescribeSecretResponse } from '@aws-sdk/client-secrets-manager';

/** A test has its own. */
export interface AwsAsked {
  /** The account of whoever asks. */
  account(): Promise<string | undefined>;
  /** @param marker of the page; undefined: the first */
  identities(marker: string | undefined): Promise<GetAccountAuthorizationDetailsResponse>;
  secret(name: string): Promise<DescribeSecretResponse>;
  /** Undefined: it has none. */
  secretPolicy(name: string): Promise<string | undefined>;
  keyPolicy(arn: string): Promise<string | undefined>;
  grants(arn: string, marker: string | undefined): Promise<ListGrantsResponse>;
}

export async function awsApi(region: string): Promise<AwsAsked> {
  const [iam, secrets, kms, sts] = await Promise.all([
    import('@aws-sdk/client-iam'),
    import('@aws-sdk/client-secrets-manager'),
    import('@aws-sdk/client-kms'),
    import('@aws-sdk/client-sts'),
  ]);
  const options = { region };
  const identities = new iam.IAMClient(options);
  const store = new secrets.SecretsManagerClient(options);
  const keys = new kms.KMSClient(options);
  return {
    account: async () => {
      const caller = new sts.STSClient(options);
      return (await caller.send(new sts.GetCallerIdentityCommand({}))).Account;
    },
    identities: async (Marker) =>
      await identities.send(
        new iam.GetAccountAuthorizationDetailsCommand({
          MaxItems: 1000,
          ...(Marker !== undefined && { Marker }),
        }),
      ),
    secret: async (SecretId) => await store.send(new secrets.DescribeSecretCommand({ SecretId })),
    secretPolicy: async (SecretId) =>
      (await store.send(new secrets.GetResourcePolicyCommand({ SecretId }))).ResourcePolicy,
    keyPolicy: async (KeyId) =>
      (await keys.send(new kms.GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }))).Policy,
    grants: async (KeyId, Marker) =>
      await keys.send(
        new kms.ListGrantsCommand({
          KeyId,
          Limit: 100,
          ...(Marker !== undefined && { Marker }),
        }),
      ),
  };
}
