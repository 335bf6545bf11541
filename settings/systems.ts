/**
 * Checks the settings that name an AWS account and a cluster. They are asked for only when a
 * target needs them; ids are never invented, so a missing one names the command that finds it.
 */
import * as pulumi from '@pulumi/pulumi';
import { type TargetName, targetNames, targetOf } from '../components/delivery/targets.ts';
import type { AwsAccount, Cluster, SystemName } from '../components/systems.ts';
import { mayBeValue, pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings, roleListNames } from './raw.ts';

type IdSetting = 'account' | 'region' | 'cluster' | 'issuer' | 'operator' | 'storageSize';

interface IdRule {
  readonly pattern: RegExp;
  readonly allowed: string;
  /** What to set when there is nothing: the command that finds it, or a default. */
  readonly find: string;
}

const rules: Record<IdSetting, IdRule> = {
  account: {
    pattern: /^\d{12}$/u,
    allowed: 'the 12 digits of an AWS account',
    find: '"$(aws sts get-caller-identity --query Account --output text)"',
  },
  region: {
    // One partition: names, audiences and endpoints of China and GovCloud are others.
    pattern: /^(?!cn-|us-gov-|us-iso)[a-z]{2}(?:-[a-z]+)+-\d$/u,
    allowed: 'a region of the partition aws',
    find: 'us-east-1',
  },
  cluster: {
    pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u,
    allowed: "the UID of the cluster's kube-system namespace",
    find: `"$(kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')"`,
  },
  issuer: {
    pattern: /^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?$/u,
    allowed: "the https URL of the cluster's OIDC issuer, without a slash at the end",
    find: '"$(kubectl get --raw /.well-known/openid-configuration | jq -r .issuer)"',
  },
  operator: {
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/u,
    allowed: 'NAMESPACE/NAME of a service account',
    find: 'external-secrets/external-secrets',
  },
  storageSize: {
    pattern: /^[1-9]\d{0,4}(?:Mi|Gi|Ti)$/u,
    allowed: 'a number with Mi, Gi or Ti',
    find: '5Gi',
  },
};

/** Whether one of the targets delivers to a system; what is no target, no. */
export function needs(chosen: unknown, system: SystemName): boolean {
  const names: readonly unknown[] = Array.isArray(chosen) ? chosen : [];
  return targetNames.some((name) => names.includes(name) && targetOf(name).needs.includes(system));
}

/** What a check of one of the settings here is told. */
interface Check {
  readonly raw: RawSettings;
  /** Whether a target needs it, so that nothing is a mistake too. */
  readonly needed: boolean;
  readonly found: Found;
}

function checkId({ raw, needed, found }: Check, setting: IdSetting, fallback = ''): string {
  const value = raw.config[setting] ?? fallback;
  // Pulumi gives digits back as a number; leading zeros are lost then, and the length tells.
  const text = typeof value === 'number' ? String(value) : value;
  const { pattern, allowed, find } = rules[setting];
  if (typeof text === 'string' && (pattern.test(text) || (text === '' && !needed))) return text;
  const typed = typeof text === 'string' ? shown(text) : `a ${typeof text}`;
  found({
    what: setting,
    got: text === '' ? 'nothing' : typed,
    allowed,
    fix: pulumiCommand(raw.stack, 'config', 'set', setting, inContext(raw, find)),
  });
  return '';
}

/** A command of kubectl that asks the stack's own cluster, as far as it is known. */
function inContext({ config, kubeconfig }: RawSettings, command: string): string {
  const context = kubeconfig?.contexts.find((name) => name === config.kubeContext);
  const plain = context !== undefined && /^[\w.:@/-]+$/u.test(context);
  return plain ? command.replace('kubectl ', `kubectl --context ${context} `) : command;
}

const roleArn = /^arn:aws:iam::(\d{12}):role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/u;

function checkRoles(
  { raw, found }: Check,
  setting: (typeof roleListNames)[number],
  account: string,
): readonly string[] {
  const value = raw.config[setting] ?? [];
  if (!Array.isArray(value)) {
    found({
      what: setting,
      got: 'something that is not a list',
      allowed: 'a list of ARNs of IAM roles',
      fix: pulumiCommand(raw.stack, 'config', 'rm', setting),
    });
    return [];
  }
  return value.flatMap((item: unknown, index) => {
    const match = typeof item === 'string' ? roleArn.exec(item) : null;
    if (match !== null && (account === '' || match[1] === account)) return [match[0]];
    found({
      what: `${setting}[${index}]`,
      got: typeof item === 'string' ? shown(item) : `a ${typeof item}`,
      allowed: `arn:aws:iam::${account === '' ? 'ACCOUNT' : account}:role/NAME`,
      fix: pulumiCommand(raw.stack, 'config', 'rm', `--path '${setting}[${index}]'`),
    });
    return [];
  });
}

function checkRecoveryWindow({ raw, found }: Check): number {
  const value = raw.config.recoveryWindowDays ?? 30;
  const days = typeof value === 'string' && /^\d{1,3}$/u.test(value) ? Number(value) : value;
  if (typeof days === 'number' && Number.isInteger(days) && days >= 7 && days <= 30) return days;
  found({
    what: 'recoveryWindowDays',
    got: typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: '7 to 30',
    fix: pulumiCommand(raw.stack, 'config', 'set', 'recoveryWindowDays', '30'),
  });
  return 30;
}

/** @returns the account; undefined when no target needs one */
export function checkAws(
  raw: RawSettings,
  chosen: readonly TargetName[],
  namespace: string,
  found: Found,
): AwsAccount | undefined {
  const needed = needs(chosen, 'aws');
  const check = { raw, needed, found };
  const account = checkId(check, 'account');
  const settings: AwsAccount = {
    account,
    region: checkId(check, 'region', 'us-east-1'),
    issuer: checkId(check, 'issuer'),
    readerRole: `${namespace}-${raw.stack}-secrets-reader`,
    deployRoles: checkRoles(check, 'deployRoles', account),
    breakGlassRoles: checkRoles(check, 'breakGlassRoles', account),
    recoveryWindowDays: checkRecoveryWindow(check),
  };
  if (needed && settings.readerRole.length > 64) {
    found({
      what: 'namespace',
      got: `a name that with the stack's gives an IAM role of ${settings.readerRole.length} characters`,
      allowed: 'at most 64',
      fix: 'a shorter namespace, or a stack of a shorter name',
    });
  }
  for (const name of chosen) {
    const refused = targetOf(name).refusesAccount?.(settings);
    if (refused !== undefined) {
      found({ what: 'deployRoles', ...refused, fix: 'fewer deployRoles and breakGlassRoles' });
    }
  }
  return needed ? settings : undefined;
}

/** @returns the cluster; undefined when no target needs one */
export function checkCluster(
  raw: RawSettings,
  chosen: readonly TargetName[],
  settled: Pick<Cluster, 'namespace' | 'readers'> & { readonly protect: boolean },
  found: Found,
): Cluster | undefined {
  const needed = needs(chosen, 'cluster');
  const check = { raw, needed, found };
  const uid = checkId(check, 'cluster');
  const [namespace = '', name = ''] = checkId(
    check,
    'operator',
    'external-secrets/external-secrets',
  ).split('/');
  const size = checkId(check, 'storageSize', '5Gi');
  const className = checkStorageClass(check, settled.protect);
  const { context, kubeconfig } = checkContext(check);
  if (!needed) return undefined;
  return {
    uid,
    context,
    kubeconfig: pulumi.secret(kubeconfig),
    namespace: settled.namespace,
    readers: settled.readers,
    operator: { namespace, name },
    storage: className === '' ? undefined : { className, size },
  };
}

function checkStorageClass({ raw, needed, found }: Check, protect: boolean): string {
  const value = raw.config.storageClass ?? '';
  const fine =
    typeof value === 'string' && /^(?:|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/u.test(value);
  if (fine && (value !== '' || !needed || !protect)) return value;
  found({
    what: 'storageClass',
    got: fine
      ? 'nothing in a protected stack'
      : typeof value === 'string'
        ? shown(value)
        : `a ${typeof value}`,
    allowed: "a StorageClass, so that the bot's trades outlive its pod; kubectl get storageclass",
    fix: pulumiCommand(raw.stack, 'config', 'set', 'storageClass', 'NAME'),
  });
  return '';
}

function checkContext({ raw, needed, found }: Check): { context: string; kubeconfig: string } {
  const value = raw.config.kubeContext ?? '';
  const none = { context: '', kubeconfig: '' };
  const { kubeconfig: file } = raw;
  if (!needed || file === undefined) {
    if (typeof value === 'string') return none;
  } else if (file.problem !== undefined) {
    found({
      what: 'kubeContext',
      got: `${file.problem}: ${JSON.stringify(file.path)}`,
      allowed: 'a kubeconfig',
      fix: 'KUBECONFIG=FILE, or aws eks update-kubeconfig --name CLUSTER',
    });
    return none;
  } else if (typeof value === 'string' && file.contexts.includes(value)) {
    const kubeconfig = file.reduced(value);
    if (kubeconfig !== undefined) return { context: value, kubeconfig };
  }
  // Names of the user's own file, and no text that was typed: these are shown whole.
  const contexts = (file?.contexts ?? []).map((name) => JSON.stringify(name).slice(1, -1));
  found({
    what: 'kubeContext',
    got: value === '' ? 'nothing' : typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: `a context with its cluster and user: ${contexts.join(', ') || 'there is none'}`,
    fix: pulumiCommand(raw.stack, 'config', 'set', 'kubeContext', contexts[0] ?? 'NAME'),
  });
  return none;
}

/** A tag can be moved to another image; what a protected stack runs cannot. */
export function checkDigest(raw: RawSettings, image: string, needed: boolean, found: Found): void {
  if (!needed || image.includes('@sha256:')) return;
  const name = mayBeValue(image) ? 'NAME:TAG' : image;
  found({
    what: 'image',
    got: `${shown(image)} in a protected stack`,
    allowed: 'an image pinned by digest, NAME@sha256:DIGEST',
    fix: pulumiCommand(
      raw.stack,
      'config',
      'set',
      'image',
      `"${name}@$(docker buildx imagetools inspect ${name} --format '{{.Manifest.Digest}}')"`,
    ),
  });
}
