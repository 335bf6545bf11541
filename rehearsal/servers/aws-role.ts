/** The role that deploys in a rehearsal, made and assumed at the AWS API of the rehearsal. */
import type { AssumeRoleCommandOutput } from '@aws-sdk/client-sts';

/** As long as a role's session may be. */
const sessionSeconds = 12 * 3600;
/** What moto takes before anybody is somebody. */
const root = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' };

/**
 * Makes a role and becomes it, as one who deploys does: a stack locks out whoever is no such role.
 * @param role its name, after its path if it has one
 * @returns variables with its credentials, which are worth nothing elsewhere
 */
export async function becomeRole(
  endpoint: string,
  role: string,
): Promise<Readonly<Record<string, string>>> {
  const { CreateRoleCommand, IAMClient } = await import('@aws-sdk/client-iam');
  const { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } = await import(
    '@aws-sdk/client-sts'
  );
  const options = { endpoint, region: 'us-east-1', credentials: root };
  const sts = new STSClient(options);
  const { Account } = await sts.send(new GetCallerIdentityCommand({}));
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${Account}:root` },
        Action: 'sts:AssumeRole',
      },
    ],
  };
  const made = await new IAMClient(options).send(
    new CreateRoleCommand({
      RoleName: role.split('/').at(-1),
      Path: `/${role}`.replace(/[^/]+$/u, ''),
      AssumeRolePolicyDocument: JSON.stringify(trust),
      MaxSessionDuration: sessionSeconds,
    }),
  );
  const session: AssumeRoleCommandOutput = await sts.send(
    new AssumeRoleCommand({
      RoleArn: made.Role?.Arn,
      RoleSessionName: 'rehearsal',
      DurationSeconds: sessionSeconds,
    }),
  );
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = session.Credentials ?? {};
  return {
    AWS_ACCESS_KEY_ID: AccessKeyId,
    AWS_SECRET_ACCESS_KEY: SecretAccessKey,
    AWS_SESSION_TOKEN: SessionToken,
  };
}
