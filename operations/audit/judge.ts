/** Whether the settings expect that somebody did something. */
import { operatorAccountName } from '../../components/access/rbac.ts';
import { readingRoles, roleArn } from '../../components/delivery/aws-rules.ts';
import type { Administrators, AwsAccount, Reader, VaultServer } from '../../components/systems.ts';
import { labelOf } from '../access/rbac.ts';
import type { Scope } from '../access/scope.ts';
import { isOfKubernetes } from './controllers.ts';
import type { AccessEvent } from './event.ts';
import { displayNameOf } from './vault-login.ts';

export interface Expecting {
  readonly namespace: string;
  readonly readers: Scope['readers'];
  readonly administrators: Administrators;
  readonly aws: AwsAccount | undefined;
  readonly vault: Pick<VaultServer, 'readerRole' | 'auth'> | undefined;
}

export type Judge = (event: AccessEvent) => string | undefined;

/**
 * @param operators accounts that bring the Secrets
 * @returns why it is expected; undefined when it is not
 */
export function judgeOf(scope: Expecting, operators: readonly Reader[]): Judge {
  const administrators = new Set([
    ...scope.administrators.subjects.map(labelOf),
    ...scope.administrators.principals,
  ]);
  const bringing = new Set(operators.map(labelOf));
  const isAdministrator = ({ who, also }: AccessEvent): boolean =>
    [who, ...also].some((each) => administrators.has(each));
  const judges: Readonly<Record<AccessEvent['system'], Judge>> = {
    Kubernetes: (event) => inCluster(event, scope, bringing),
    AWS: (event) => inAws(event, scope),
    Vault: (event) => inVault(event, scope),
  };
  return (event) => (isAdministrator(event) ? 'administrators' : judges[event.system](event));
}

/** What brings the Secrets needs no pod, no shell and no other right. */
const ofOperators = ['read', 'change', 'store'];

function inCluster(
  event: AccessEvent,
  { readers, namespace }: Pick<Scope, 'readers' | 'namespace'>,
  bringing: ReadonlySet<string>,
): string | undefined {
  const { who, also, deed, verb, what, group } = event;
  // Of a certificate that the cluster's own authority has signed; no binding gives it.
  if (also.includes('Group:system:masters')) return 'system:masters';
  if (who.includes(' as ')) return undefined;
  const isOwn = what === `serviceaccounts/token ${operatorAccountName}`;
  if (bringing.has(who) && (ofOperators.includes(deed) || isOwn)) return 'brings the Secrets';
  if (isOfKubernetes(event)) return 'a part of Kubernetes';
  // The node authorizer gives it what its own pods mount.
  if (
    who.startsWith('User:system:node:') &&
    (deed === 'token' || (deed === 'read' && !what.startsWith('all ')))
  ) {
    return `node of ${namespace}`;
  }
  if (deed !== 'read' || verb !== 'get' || group === undefined) return undefined;
  const listed = (readers[group] ?? []).map(labelOf);
  return [who, ...also].some((each) => listed.includes(each)) ? `readers.${group}` : undefined;
}

/** By its policy and no other, on a token of its own login. */
function inVault(
  { deed, who, also }: AccessEvent,
  { vault, namespace }: Expecting,
): string | undefined {
  if (vault === undefined || deed !== 'read') return undefined;
  const { auth, readerRole } = vault;
  const own = [`policy ${readerRole}`, `User:auth/${auth}/role/${readerRole}`];
  const isOwn =
    also.every((each) => own.includes(each)) &&
    own.every((each) => also.includes(each)) &&
    who === `User:${displayNameOf({ auth, namespace, account: operatorAccountName })}`;
  return isOwn ? 'brings the Secrets' : undefined;
}

function inAws({ who, deed }: AccessEvent, { aws }: Pick<Scope, 'aws'>): string | undefined {
  if (aws === undefined) return undefined;
  if (aws.deployRoles.includes(who)) return 'deployRoles';
  if (deed !== 'read' && deed !== 'decrypt') return undefined;
  if (who === roleArn(aws.account, aws.readerRole)) return 'brings the Secrets';
  return readingRoles(aws).includes(who) ? 'breakGlassRoles' : undefined;
}
