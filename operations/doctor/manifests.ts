/**
 * What a target for GitOps has left: an encrypted Secret a group, with the tag of the last `up`, for
 * the recipients of the settings. Nothing is decrypted; whether the controller could is its to say.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupName, SecretKey } from '../../components/catalog.ts';
import type { GitTarget } from '../../components/delivery/delivery.ts';
import {
  type Arrival,
  type Delivered,
  type Finding,
  isExpected,
  type KeyFacts,
  problem,
} from './facts.ts';

export interface ManifestPlace {
  readonly target: string;
  readonly stack: string;
  /** As the outputs name it, and for messages. */
  readonly shown: string;
  /** The same, absolute. */
  readonly directory: string;
  /** Of the groups, as they were delivered last. */
  readonly tags: Readonly<Record<string, string>>;
  /** Of the settings. */
  readonly recipients: readonly string[];
}

export function lookAtManifests(
  place: ManifestPlace,
  target: Pick<GitTarget, 'manifest'>,
  keys: readonly KeyFacts[],
): Delivered {
  const arrivals = new Map<SecretKey, Arrival>();
  const findings: Finding[] = [];
  const expected = keys.filter(isExpected);
  for (const group of new Set(expected.map(({ entry }) => entry.group))) {
    const found = stateOf(place, target, group);
    if (found.finding !== undefined) findings.push(found.finding);
    for (const { key } of expected.filter(({ entry }) => entry.group === group)) {
      arrivals.set(
        key,
        found.names.includes(key) || found.arrival !== 'yes' ? found.arrival : 'no',
      );
    }
  }
  return { target: place.target, arrivals, findings };
}

interface Found {
  readonly arrival: Arrival;
  /** Keys whose values are there, encrypted. */
  readonly names: readonly string[];
  readonly finding?: Finding;
}

function stateOf(
  place: ManifestPlace,
  target: Pick<GitTarget, 'manifest'>,
  group: GroupName,
): Found {
  const manifest = target.manifest(group);
  const what = `${place.shown}/${manifest.path}`;
  const fix = `npm start -- --stack ${place.stack}`;
  const found = (arrival: Arrival, got: string, allowed: string, how = fix): Found => ({
    arrival,
    names: [],
    finding: problem(what, got, allowed, how),
  });
  const text = textOf(join(place.directory, manifest.path));
  if (text === undefined) return found('no', 'no such file', `one of ${group}`);
  const looked = manifest.look(text);
  if (looked === undefined) {
    const how = `${fix}; if it was ever committed, revoke what stands in it`;
    return found(
      'unreadable',
      'something that is not encrypted',
      `what ${place.target} encrypts`,
      how,
    );
  }
  const tag = place.tags[group];
  if (tag !== undefined && looked.tag !== tag) {
    const got = `tag ${/^[a-z2-7]{10}$/u.test(looked.tag) ? looked.tag : 'unknown'}`;
    return found('another tag', got, `tag ${tag}, of the last up`);
  }
  const { keys: names, recipients } = looked;
  const settled = [...place.recipients].sort().toString();
  if (recipients === undefined || recipients.toString() === settled) {
    return { arrival: 'yes', names };
  }
  const finding = problem(what, 'other recipients', 'those of the settings', fix);
  return { arrival: 'yes', names, finding };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
