/**
 * Which account and which cluster: the explicit providers, and the proof that they lead to the
 * stack's own. Nothing else is registered before it, so a mix-up changes nothing.
 */
import * as pulumi from '@pulumi/pulumi';
import { getDeletedSecrets, refusalOfDeleted } from '../plugins/hummingbot/get-deleted-secrets.ts';
import { getCluster } from '../plugins/hummingbot/resources.ts';
import { lineOf, type Mistake, pulumiCommand } from '../settings/mistake.ts';
import type { AwsAccount, Cluster, Connected, Systems } from './systems.ts';

export interface Unconnected {
  readonly stack: string;
  /** First part of the names in the store. */
  readonly prefix: string;
  readonly groups: readonly { readonly name: string }[];
  readonly aws: AwsAccount | undefined;
  readonly cluster: Cluster | undefined;
}

/**
 * Connects to what the targets of a stack need.
 * @throws pulumi.RunError with one line when an id is another than the stack's
 */
export async function connect(unconnected: Unconnected): Promise<Systems> {
  const { stack, aws, cluster } = unconnected;
  return {
    ...(aws && { aws: await connectAws(unconnected, aws) }),
    ...(cluster && { cluster: await connectCluster(stack, cluster) }),
  };
}

async function connectAws(
  { stack, prefix, groups }: Unconnected,
  aws: AwsAccount,
): Promise<Connected<AwsAccount>> {
  const { Provider } = await import('@pulumi/aws/provider.js');
  const { getCallerIdentity } = await import('@pulumi/aws/getCallerIdentity.js');
  // The provider refuses other accounts too: a destroy does not run this program.
  const provider = new Provider('aws', { region: aws.region, allowedAccountIds: [aws.account] });
  const show = 'aws sts get-caller-identity shows yours';
  const caller = await getCallerIdentity({}, { provider }).catch((error: unknown) =>
    refuse({ what: 'account', got: reasonOf(error), allowed: aws.account, fix: show }),
  );
  if (caller.accountId !== aws.account) {
    refuse({ what: 'account', got: shownId(caller.accountId), allowed: aws.account, fix: show });
  }
  await checkCaller(stack, aws, caller.arn, provider);
  const names = groups.map(({ name }) => `${prefix}/${name}`);
  const refusal = refusalOfDeleted(stack, await getDeletedSecrets({ region: aws.region, names }));
  if (refusal !== undefined) throw new pulumi.RunError(refusal);
  return { ...aws, provider };
}

/** The policy of every secret denies reads to all but the listed roles; who deploys is one. */
async function checkCaller(
  stack: string,
  aws: AwsAccount,
  caller: string,
  provider: pulumi.ProviderResource,
): Promise<void> {
  // arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION; the path of the role is not in it.
  const role = /^arn:aws:sts::\d{12}:assumed-role\/([\w+=,.@-]{1,64})\//u.exec(caller)?.[1];
  if (role === undefined) {
    refuse({
      what: 'deployRoles',
      got: `a caller that is no role: ${shownId(caller)}`,
      allowed: aws.deployRoles.join(', ') || 'a role that is listed',
      fix: 'take a role that deploys, with AWS_PROFILE or aws sts assume-role',
    });
  }
  const at = aws.deployRoles.findIndex((each) => each.endsWith(`/${role}`));
  const lockedOut = (got: string): never => {
    const path = `--path 'deployRoles[${at < 0 ? aws.deployRoles.length : at}]'`;
    const found = `"$(aws iam get-role --role-name ${role} --query Role.Arn --output text)"`;
    return refuse({
      what: 'deployRoles',
      got: `role ${got}, which its own policy would lock out`,
      allowed: aws.deployRoles.join(', ') || 'a list with it in it',
      fix: pulumiCommand(stack, 'config', 'set', path, found),
    });
  };
  if (at < 0) lockedOut(role);
  // A name is one role's, whatever its path; the policy means the path too.
  const { getRole } = await import('@pulumi/aws/iam/getRole.js');
  const { arn } = await getRole({ name: role }, { provider }).catch((error: unknown) =>
    refuse({
      what: 'deployRoles',
      got: reasonOf(error),
      allowed: `role ${role}, which may ask IAM for its own path`,
      fix: `allow it iam:GetRole on ${aws.deployRoles[at]}`,
    }),
  );
  if (!aws.deployRoles.includes(arn)) lockedOut(shownId(arn));
}

async function connectCluster(stack: string, cluster: Cluster): Promise<Connected<Cluster>> {
  const { Provider } = await import('@pulumi/kubernetes/provider.js');
  const { kubeconfig, context, uid } = cluster;
  const got = await getCluster({ kubeconfig }).catch((error: unknown) =>
    refuse({
      what: 'cluster',
      got: reasonOf(error),
      allowed: uid,
      fix: `kubectl --context ${context} cluster-info, or another kubeContext`,
    }),
  );
  if (got.uid !== uid) {
    refuse({
      what: 'cluster',
      got: shownId(got.uid),
      allowed: uid,
      fix: `${pulumiCommand(stack, 'config', 'set', 'kubeContext', 'NAME')}; kubectl --context ${context} get namespace kube-system -o 'jsonpath={.metadata.uid}' shows the UID`,
    });
  }
  const provider = new Provider('kubernetes', {
    kubeconfig,
    // A new endpoint or certificate is the same cluster: nothing is to be made anew.
    clusterIdentifier: uid,
    enableServerSideApply: true,
    enableSecretMutable: true,
  });
  return { ...cluster, provider };
}

function refuse(mistake: Mistake): never {
  throw new pulumi.RunError(`${lineOf(mistake)}; nothing was changed`);
}

/** An id that a server gave: short, and in one line. */
function shownId(id: unknown): string {
  return String(id).replaceAll(/\s+/gu, ' ').slice(0, 200) || 'nothing';
}

/** Why a server gave none, in one line. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `no answer (${shownId(message)})`;
}
