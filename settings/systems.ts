/**
 * Checks the settings that name an AWS account and a cluster. They are asked for only when a
 * target needs them; ids are never invented, so a missing one names the command that finds it.
 */
import * as pulumi from '@pulumi/pulumi';
import { type TargetName, targetNames, targetOf } from '../components/delivery/targets.ts';
import type {
  AwsAccount,
  Cluster,
  Place,
  SwarmManager,
  SystemName,
  VaultServer,
} from '../components/systems.ts';
import { mayBeValue, pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings, roleListNames } from './raw.ts';

type IdSetting =
  | 'account'
  | 'region'
  | 'vaultAddress'
  | 'vaultId'
  | 'vaultMount'
  | 'vaultAuth'
  | 'cluster'
  | 'issuer'
  | 'operator'
  | 'storageSize'
  | 'dockerHost'
  | 'dockerCertPath'
  | 'swarmId'
  | 'swarmNode'
  | 'swarmDeploy';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;
/** Where something is mounted in Vault; `.` and `..` would be parts of another path. */
const mountPath = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.-]{1,100}(?:\/[\w.-]{1,100}){0,5}$/u;

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
  vaultAddress: {
    // In the clear only to this machine itself.
    pattern:
      /^(?:https:\/\/[A-Za-z0-9.-]+|http:\/\/(?:127\.0\.0\.1|localhost))(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?$/u,
    allowed: 'the https URL of a Vault server, without a slash at the end',
    find: '"$VAULT_ADDR"',
  },
  vaultId: {
    pattern: uuid,
    allowed: 'the cluster id of the Vault server',
    find: '"$(vault status -format=json | jq -r .cluster_id)"',
  },
  vaultMount: {
    pattern: mountPath,
    allowed: 'where a secrets engine KV version 2 is mounted, without slashes at its ends',
    find: 'secret',
  },
  vaultAuth: {
    pattern: mountPath,
    allowed: 'where the auth method kubernetes is mounted, without slashes at its ends',
    find: 'kubernetes',
  },
  cluster: {
    pattern: uuid,
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
  dockerHost: {
    // Never tcp without TLS: who reaches such a port is root on that machine.
    pattern:
      /^(?:unix:\/\/\/[\w./@-]+|ssh:\/\/(?:\w[\w.-]*@)?\w[\w.-]*(?::\d{1,5})?|tcp:\/\/\w[\w.-]*:\d{1,5})$/u,
    allowed: 'unix:///PATH, ssh://USER@HOST or tcp://HOST:PORT',
    find: 'unix:///var/run/docker.sock',
  },
  dockerCertPath: {
    pattern: /^\/[\w./@-]+$/u,
    allowed: 'the absolute path of a directory with ca.pem, cert.pem and key.pem',
    find: '"$HOME/.docker"',
  },
  swarmId: {
    pattern: /^[0-9a-z]{25}$/u,
    allowed: 'the cluster id of a swarm',
    find: `"$(docker info --format '{{.Swarm.Cluster.ID}}')"`,
  },
  swarmNode: {
    pattern: /^[0-9a-z]{25}$/u,
    allowed: 'the id of the node that the bot runs on',
    find: `"$(docker info --format '{{.Swarm.NodeID}}')"`,
  },
  swarmDeploy: {
    pattern: /^(?:pulumi|stack)$/u,
    allowed: 'pulumi, or stack for docker stack deploy',
    find: 'pulumi',
  },
};

/** Characters of a service's name that leave `docker stack deploy` its own addition. */
const longestService = 50;

/** Whether one of the targets of a config delivers to a system; what is no target, no. */
export function needs(config: RawSettings['config'], system: SystemName): boolean {
  const names: readonly unknown[] = Array.isArray(config.targets) ? config.targets : [];
  return targetNames.some((name) => {
    const { needs: needed } = targetOf(name);
    const systems = typeof needed === 'function' ? needed(config) : needed;
    return names.includes(name) && systems.includes(system);
  });
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

/** A command of kubectl or docker that asks the stack's own system, as far as it is known. */
function inContext({ config, kubeconfig }: RawSettings, command: string): string {
  const { dockerHost } = config;
  if (typeof dockerHost === 'string' && rules.dockerHost.pattern.test(dockerHost)) {
    const there = command.replace('docker info', `docker --host ${dockerHost} info`);
    if (there !== command) return there;
  }
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

/** EventBridge reaches topics of its own region. */
function checkAlertTopic({ raw, found }: Check, account: string): Pick<AwsAccount, 'alertTopic'> {
  const value = raw.config.alertTopic ?? '';
  if (value === '') return {};
  const region = typeof raw.config.region === 'string' ? raw.config.region : 'us-east-1';
  const match =
    typeof value === 'string'
      ? /^arn:aws:sns:([a-z0-9-]{1,30}):(\d{12}):[\w-]{1,256}$/u.exec(value)
      : null;
  const [arn, there, owner] = match ?? [];
  if (arn !== undefined && there === region && (account === '' || owner === account)) {
    return { alertTopic: arn };
  }
  found({
    what: 'alertTopic',
    got: typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: `arn:aws:sns:REGION:${account === '' ? 'ACCOUNT' : account}:NAME, in the stack's own region`,
    fix: pulumiCommand(raw.stack, 'config', 'rm', 'alertTopic'),
  });
  return {};
}

/** @returns the account; undefined when no target needs one */
export function checkAws(
  raw: RawSettings,
  chosen: readonly TargetName[],
  namespace: string,
  found: Found,
): AwsAccount | undefined {
  const needed = needs({ ...raw.config, targets: chosen }, 'aws');
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
    ...checkAlertTopic(check, account),
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

/** @returns the Vault server; undefined when no target needs one */
export function checkVault(
  raw: RawSettings,
  chosen: readonly TargetName[],
  { namespace, prefix }: { readonly namespace: string; readonly prefix: string },
  found: Found,
): VaultServer | undefined {
  const needed = needs({ ...raw.config, targets: chosen }, 'vault');
  const check = { raw, needed, found };
  const settings: VaultServer = {
    address: checkId(check, 'vaultAddress'),
    id: checkId(check, 'vaultId'),
    mount: checkId(check, 'vaultMount', 'secret'),
    auth: checkId(check, 'vaultAuth', 'kubernetes'),
    readerRole: `${namespace}-${raw.stack}-secrets-reader`,
  };
  // In a policy of Vault's, a part + stands for any: the operator would read what is not its own.
  if (needed && prefix.split('/').some((part) => /^(?:\+|\.{1,2})$/u.test(part))) {
    found({
      what: 'prefix',
      got: 'a part that is +, . or .. alone',
      allowed: 'parts that are names, because a policy of Vault takes + for any',
      fix: pulumiCommand(raw.stack, 'config', 'set', 'prefix', 'hummingbot'),
    });
  }
  return needed ? settings : undefined;
}

/** Whether one of the targets ends in a namespace, whoever brings it there. */
export function endsInNamespace(chosen: readonly TargetName[]): boolean {
  return chosen.some((name) => ['cluster', 'git'].includes(targetOf(name).kind));
}

/** @returns what stands around the bot; undefined when no target ends in a namespace */
export function checkPlace(
  raw: RawSettings,
  chosen: readonly TargetName[],
  settled: Pick<Place, 'namespace' | 'readers'> & { readonly protect: boolean },
  found: Found,
): Place | undefined {
  const needed = endsInNamespace(chosen);
  const check = { raw, needed, found };
  const size = checkId(check, 'storageSize', '5Gi');
  const className = checkStorageClass(check, settled.protect);
  if (!needed) return undefined;
  const { namespace, readers } = settled;
  return { namespace, readers, storage: className === '' ? undefined : { className, size } };
}

/** @returns the cluster; undefined when no target needs one */
export function checkCluster(
  raw: RawSettings,
  chosen: readonly TargetName[],
  place: Place | undefined,
  found: Found,
): Cluster | undefined {
  const needed = needs({ ...raw.config, targets: chosen }, 'cluster');
  const check = { raw, needed, found };
  const uid = checkId(check, 'cluster');
  const [namespace = '', name = ''] = checkId(
    check,
    'operator',
    'external-secrets/external-secrets',
  ).split('/');
  const { context, kubeconfig } = checkContext(check);
  if (!needed || place === undefined) return undefined;
  return {
    ...place,
    uid,
    context,
    kubeconfig: pulumi.secret(kubeconfig),
    operator: { namespace, name },
  };
}

/** @returns the manager of the swarm; undefined when no target needs one */
export function checkManager(
  raw: RawSettings,
  chosen: readonly TargetName[],
  namespace: string,
  found: Found,
): SwarmManager | undefined {
  const needed = needs({ ...raw.config, targets: chosen }, 'manager');
  const check = { raw, needed, found };
  const host = checkId(check, 'dockerHost', rules.dockerHost.find);
  const isTls = host.startsWith('tcp:');
  const certPath = checkId({ ...check, needed: needed && isTls }, 'dockerCertPath');
  if (needed && !isTls && certPath !== '') {
    found({
      what: 'dockerCertPath',
      got: `a directory, with dockerHost ${host}`,
      allowed: 'none but for tcp',
      fix: pulumiCommand(raw.stack, 'config', 'rm', 'dockerCertPath'),
    });
  }
  const manager: SwarmManager = {
    id: checkId(check, 'swarmId'),
    host,
    certPath,
    node: checkId(check, 'swarmNode'),
    service: `${namespace}-${raw.stack}`,
    deploy: checkId(check, 'swarmDeploy', 'pulumi') === 'stack' ? 'stack' : 'pulumi',
  };
  // The Engine's own limit (moby/swarmkit, controlapi/common.go); a volume and a stack add to it.
  if (needed && manager.service.length > longestService) {
    found({
      what: 'namespace',
      got: `a name that with the stack's gives a service of ${manager.service.length} characters`,
      allowed: `at most ${longestService}`,
      fix: 'a shorter namespace, or a stack of a shorter name',
    });
  }
  return needed ? manager : undefined;
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
