/**
 * The rehearsal's copy of a stack file: what names the real account and cluster is replaced, real
 * values are left out without being opened, and every other setting stays as it is.
 */
import { readFileSync } from 'node:fs';
import { type Document, isMap, parseDocument } from 'yaml';

/** Settings that the rehearsal replaces, where the stack's targets use them. */
export interface Replacements {
  readonly account?: string;
  readonly vaultAddress?: string;
  readonly vaultId?: string;
  readonly cluster?: string;
  readonly issuer?: string;
  readonly kubeContext?: string;
  readonly dockerHost?: string;
  readonly dockerCertPath?: string;
  readonly swarmId?: string;
  readonly swarmNode?: string;
  readonly image?: string;
  readonly certificate?: string;
  readonly certificateFingerprint?: string;
  readonly outputDirectory?: string;
}

interface Options {
  /** The role that deploys where the file lists none. */
  readonly deployRole?: string;
  /** Who administers the rehearsal's cluster, as the setting names it. */
  readonly administrator?: string;
}

const valueMaps = ['trading', 'infrastructure', 'monitoring'];
const encryption = ['encryptionsalt', 'encryptedkey', 'secretsprovider', 'environment'];
const roleLists = ['deployRoles', 'breakGlassRoles', 'administrators'];

export interface Copied {
  readonly text: string;
  /** A line for each thing that was replaced. */
  readonly replaced: readonly string[];
}

/** @param text of the committed stack file */
export function rehearsed(
  text: string,
  project: string,
  replacements: Replacements,
  { deployRole = 'rehearsal-deployer', administrator }: Options = {},
): Copied {
  const document = parseDocument(text);
  const replaced: string[] = [];
  const at = (name: string): string[] => ['config', `${project}:${name}`];
  if (!isMap(document.get('config'))) document.set('config', document.createNode({}));
  for (const name of encryption) {
    if (document.delete(name)) replaced.push(`${name}: the rehearsal's own`);
  }
  for (const name of valueMaps) {
    if (document.deleteIn(at(name)))
      replaced.push(`${name}: look-alikes, the values were not opened`);
  }
  for (const [name, value] of Object.entries(replacements)) {
    const before = document.getIn(at(name));
    document.setIn(at(name), value);
    replaced.push(`${name}: ${before === undefined ? 'unset' : String(before)} -> ${value}`);
  }
  if (document.deleteIn(at('alertTopic'))) {
    replaced.push('alertTopic: left out, the rehearsal has no EventBridge');
  }
  if (administrator !== undefined) {
    const all = [...toList(document.getIn(at('administrators'))), administrator];
    document.setIn(at('administrators'), document.createNode([...new Set(all)]));
    replaced.push(`administrators: ${administrator} too`);
  }
  const { account } = replacements;
  if (account !== undefined) replaced.push(...moveRoles(document, at, account, deployRole));
  return { text: document.toString(), replaced };
}

/** Roles are of an account: their ARNs get the rehearsal's. One has to be there, to deploy as. */
function moveRoles(
  document: Document,
  at: (name: string) => string[],
  account: string,
  deployRole: string,
): readonly string[] {
  return roleLists.flatMap((name) => {
    const node: unknown = document.getIn(at(name));
    const before = toList(node);
    const after =
      before.length === 0 && name === 'deployRoles'
        ? [`arn:aws:iam::${account}:role/${deployRole}`]
        : before.map((arn) => arn.replace(/^(arn:aws:iam::)\d{12}:/u, `$1${account}:`));
    if (after.length === 0) return [];
    document.setIn(at(name), document.createNode(after));
    return [`${name}: ${before.join(', ') || 'unset'} -> ${after.join(', ')}`];
  });
}

function toList(node: unknown): readonly string[] {
  const value = (node as { toJSON?: () => unknown } | undefined)?.toJSON?.();
  return Array.isArray(value) ? value.map(String) : [];
}

/** A setting of a stack file; undefined when it is unset. */
export function settingIn(text: string, project: string, name: string): unknown {
  const config = parseDocument(text).get('config');
  const all = isMap(config) ? (config.toJSON() as Record<string, unknown>) : {};
  return all[`${project}:${name}`];
}

/** Whether a leaf of a value map is set. */
export function hasValue(path: string, project: string, group: string, key: string): boolean {
  const map = settingIn(readFileSync(path, 'utf8'), project, group);
  return typeof map === 'object' && map !== null && Object.hasOwn(map, key);
}
