/**
 * What a review of a stack asks about: its settings as they are committed or copied. No value is
 * opened, and no Pulumi is needed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import {
  entryOf,
  exchangeNames,
  type GroupName,
  groupNames,
  keysOf,
  type SecretKey,
  serviceNames,
} from '../../components/catalog.ts';
import { type TargetName, targetNames } from '../../components/delivery/targets.ts';
import type {
  Administrators,
  AwsAccount,
  Cluster,
  Sealing,
  SwarmManager,
  VaultServer,
} from '../../components/systems.ts';
import { checkAdministrators } from '../../settings/administrators.ts';
import { checkReaders } from '../../settings/groups.ts';
import { readKubeconfig } from '../../settings/kubeconfig.ts';
import { checkList } from '../../settings/lists.ts';
import { type Mistake, report } from '../../settings/mistake.ts';
import {
  checkBoolean,
  checkText,
  directoryRule,
  namespaceRule,
  prefixRule,
} from '../../settings/scalars.ts';
import { checkSealing } from '../../settings/sealing.ts';
import { allowedStackNames, stackNamePattern } from '../../settings/stack-name.ts';
import {
  checkAws,
  checkCluster,
  checkManager,
  checkPlace,
  checkVault,
  needs,
} from '../../settings/systems.ts';
import { CommandError } from '../engine/command-error.ts';
import { settingsOf } from '../engine/stack-copy.ts';
import { projectDirectory, projectName, workspace } from '../engine/workspace.ts';

export interface Scope {
  readonly stack: string;
  readonly namespace: string;
  readonly prefix: string;
  /** Groups with a key in use. */
  readonly groups: readonly GroupName[];
  readonly keys: readonly SecretKey[];
  readonly targets: readonly TargetName[];
  readonly readers: Cluster['readers'];
  readonly administrators: Administrators;
  readonly aws: AwsAccount | undefined;
  readonly vault: VaultServer | undefined;
  /** Undefined: no target ends in a namespace. */
  readonly cluster: Pick<Cluster, 'uid' | 'context' | 'operator'> | undefined;
  /** Of one context. Holds credentials. */
  readonly kubeconfig: string | undefined;
  readonly sealing: Sealing | undefined;
  readonly manager: SwarmManager | undefined;
  /** Absolute: where file targets write. */
  readonly directory: string;
}

/** @throws CommandError when there is no such stack, or its settings are wrong */
export async function readScope(stack: string, withCluster = true): Promise<Scope> {
  if (!stackNamePattern.test(stack)) {
    throw new CommandError(
      `stack: got a name that is none; allowed: ${allowedStackNames}; fix: --stack dev`,
    );
  }
  const name = `Pulumi.${stack}.yaml`;
  const copy = join(workspace.stacks, name);
  const path = workspace.embedded && existsSync(copy) ? copy : join(projectDirectory, name);
  if (!existsSync(path)) {
    throw new CommandError(
      `stack ${stack}: got no ${name}; allowed: a stack with a file of its settings; fix: --stack dev`,
    );
  }
  const settings = settingsOf({ path, text: readFileSync(path, 'utf8') }, projectName);
  const config = { ...defaults(), ...asTyped(settings) };
  // What is written for git may name the cluster that it ends in.
  const asksCluster = needs(config, 'cluster') || String(config.kubeContext ?? '') !== '';
  const kubeconfig = withCluster && asksCluster ? await readKubeconfig() : undefined;
  const mistakes: Mistake[] = [];
  const scope = scopeOf(stack, config, kubeconfig, (mistake) => void mistakes.push(mistake));
  // Where no cluster is asked, a machine without its kubeconfig will do.
  const wrong = mistakes.filter(({ what }) => withCluster || what !== 'kubeContext');
  if (wrong.length > 0) throw new CommandError(report(stack, wrong));
  return scope;
}

/** `pulumi config set` writes flags as texts, and takes them for flags. */
export function asTyped(
  settings: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const typed = (value: unknown): unknown =>
    value === 'true' || value === 'false' ? value === 'true' : value;
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, typed(value)]));
}

type Found = (mistake: Mistake) => void;
type File = Awaited<ReturnType<typeof readKubeconfig>>;

function scopeOf(
  stack: string,
  config: Readonly<Record<string, unknown>>,
  file: File | undefined,
  found: Found,
): Scope {
  const raw = {
    stack,
    config,
    stackFile: undefined,
    projectDirectory,
    ...(file && { kubeconfig: file }),
  };
  const targets = checkList(raw, 'targets', targetNames, found);
  const used: readonly string[] = [
    ...checkList(raw, 'exchanges', exchangeNames, found),
    ...checkList(raw, 'services', serviceNames, found),
  ];
  const keys = groupNames.flatMap(keysOf).filter((key) => used.includes(entryOf(key).usedWith));
  const namespace = checkText(raw, 'namespace', namespaceRule, found);
  const prefix = checkText(raw, 'prefix', prefixRule, found);
  const readers = checkReaders(raw, found);
  const protect = checkBoolean(raw, 'protect', true, found);
  const place = checkPlace(raw, targets, { namespace, readers, protect }, found);
  const shown = join(checkText(raw, 'outputDirectory', directoryRule, found), stack);
  const context = String(config.kubeContext ?? '');
  const cluster = checkCluster(raw, targets, place, found);
  const [operatorSpace = '', operatorName = ''] = String(config.operator).split('/');
  const git = place && {
    uid: String(config.cluster ?? ''),
    context,
    operator: { namespace: operatorSpace, name: operatorName },
  };
  return {
    stack,
    namespace,
    prefix,
    groups: groupNames.filter((group) => keys.some((key) => entryOf(key).group === group)),
    keys,
    targets,
    readers,
    administrators: checkAdministrators(raw, found),
    aws: checkAws(raw, targets, namespace, found),
    vault: checkVault(raw, targets, { namespace, prefix }, found),
    cluster: cluster ?? git,
    kubeconfig: context === '' ? undefined : file?.reduced(context),
    sealing: checkSealing(raw, targets, found),
    manager: checkManager(raw, targets, namespace, found),
    directory: isAbsolute(shown) ? shown : join(projectDirectory, shown),
  };
}

/** What Pulumi fills in where a stack file says nothing. */
function defaults(): Readonly<Record<string, unknown>> {
  const { config } = parse(readFileSync(join(projectDirectory, 'Pulumi.yaml'), 'utf8')) as {
    config: Readonly<Record<string, { readonly default?: unknown }>>;
  };
  return Object.fromEntries(Object.entries(config).map(([name, each]) => [name, each.default]));
}
