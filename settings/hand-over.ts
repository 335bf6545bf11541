/**
 * Checks the setting by which what is written for git lets go of its Secrets in a cluster, and that
 * it has, before the stack moves to a target that writes Secrets of the same names itself
 * (docs/decisions/0021-a-secret-outlives-its-sealedsecret.md).
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { groupNames } from '../components/catalog.ts';
import { type TargetName, targetNames, targetOf } from '../components/delivery/targets.ts';
import { pulumiCommand } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';
import { checkBoolean } from './scalars.ts';

/** A target whose Secrets in a cluster are owned by what it has written. */
interface Owner {
  readonly name: TargetName;
  /** Below the stack's folder. */
  readonly paths: readonly string[];
  isHandedOver(text: string): boolean;
}

const owners: readonly Owner[] = targetNames.flatMap((name) => {
  const target = targetOf(name);
  if (target.kind !== 'git' || target.isHandedOver === undefined) return [];
  const paths = groupNames.map((group) => target.manifest(group).path);
  return [{ name, paths, isHandedOver: target.isHandedOver }];
});

/** @returns whether the Secrets of what is written shall outlive it */
export function checkHandOver(
  raw: RawSettings,
  chosen: readonly TargetName[],
  gitopsDirectory: string,
  found: Found,
): boolean {
  const value = checkBoolean(raw, 'handOver', false, found);
  const folder = join(gitopsDirectory, raw.stack);
  for (const owner of owners.filter(({ name }) => !chosen.includes(name))) {
    checkHandedOver(raw, chosen, owner, folder, found);
  }
  const isOwner = owners.some(({ name }) => chosen.includes(name));
  if (!value || (isOwner && raw.config.sealedInto === 'git')) return value;
  found({
    what: 'handOver',
    got: 'true',
    allowed: `false; true with target ${owners.map(({ name }) => name).join(', ')} and sealedInto git, until the stack has moved`,
    fix: pulumiCommand(raw.stack, 'config', 'rm', 'handOver'),
  });
  return false;
}

/** What git still holds is what the cluster has at best. */
function checkHandedOver(
  { stack, projectDirectory }: RawSettings,
  chosen: readonly TargetName[],
  owner: Owner,
  folder: string,
  found: Found,
): void {
  const at = chosen.findIndex((name) => targetOf(name).kind === 'git');
  if (at === -1) return;
  const owning = owner.paths.filter((path) => {
    const text = textOf(resolve(projectDirectory, folder, path));
    return text !== undefined && !owner.isHandedOver(text);
  });
  if (owning.length === 0) return;
  const back = pulumiCommand(stack, 'config', 'set', `--path 'targets[${at}]'`, owner.name);
  const set = pulumiCommand(stack, 'config', 'set', 'handOver', 'true', '--type bool');
  found({
    what: `targets[${at}]`,
    got: `${chosen[at]}, while the Secrets of ${owning.join(', ')} would go with what target ${owner.name} has written there`,
    allowed: `${chosen[at]} when they are handed over, and the cluster has that from git`,
    fix: `${back}, and ${set}; then as docs/moving.md says`,
  });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
