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
  readonly administrator?: string | undefined;
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
  replaced.push(...moveRoles(document, at, replacements.account, { deployRole, administrator }));
  return { text: document.toString(), replaced };
}

/**
 * Roles are of an account: their ARNs get the rehearsal's, if it has one. One has to be there, to deploy as,
 * and whoever administers the rehearsal's cluster is one of the administrators.
 */
function moveRoles(
  document: Document,
  at: (name: string) => string[],
  account: string | undefined,
  { deployRole, administrator }: Options,
): readonly string[] {
  return roleLists.flatMap((name) => {
    const before = toList(document.getIn(at(name)));
    const moved = before.map((each) =>
      account === undefined ? each : each.replace(/^(arn:aws:iam::)\d{12}:/u, `$1${account}:`),
    );
    if (name === 'deployRoles' && before.length === 0 && account !== undefined) {
      moved.push(`arn:aws:iam::${account}:role/${deployRole}`);
    }
    if (name === 'administrators' && administrator !== undefined) moved.push(administrator);
    const after = [...new Set(moved)];
    if (after.join() === before.join()) return [];
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
