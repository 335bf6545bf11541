/** The local plugin's function of deleted-secrets.ts, as the program sees it. */
import * as pulumi from '@pulumi/pulumi';

export interface GetDeletedSecretsArgs {
  readonly region: string;
  /** Names in AWS Secrets Manager, such as hummingbot/trading. */
  readonly names: readonly string[];
}

/** @returns those of the names that wait for their deletion */
export async function getDeletedSecrets(
  args: GetDeletedSecretsArgs,
  opts: pulumi.InvokeOptions = {},
): Promise<readonly string[]> {
  const inputs = { region: args.region, names: [...args.names] };
  const { deleted } = await pulumi.runtime.invoke(
    'hummingbot:index:getDeletedSecrets',
    inputs,
    opts,
  );
  return (deleted ?? []) as readonly string[];
}

/** The one line for names that wait for their deletion; undefined when there are none. */
export function refusalOfDeleted(stack: string, deleted: readonly string[]): string | undefined {
  if (deleted.length === 0) return undefined;
  return (
    `${deleted.join(', ')}: got scheduled for deletion in AWS Secrets Manager; ` +
    `allowed: names that can be made; fix: npm run restore -- --stack ${stack}; nothing was changed`
  );
}
