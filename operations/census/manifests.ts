/** What a target for GitOps has left: an encrypted Secret a group, and what else lies beside them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GitTarget } from '../../components/delivery/delivery.ts';
import type { KeyFacts } from '../doctor/facts.ts';
import { lookAtManifests, type ManifestPlace } from '../doctor/manifests.ts';
import type { Answers, Drift, Expected, Sighting } from './facts.ts';
import { shownTag } from './facts.ts';
import { shownName } from './names.ts';

export interface ManifestsCase {
  readonly place: ManifestPlace;
  readonly target: Pick<GitTarget, 'manifest'>;
  readonly keys: readonly KeyFacts[];
  readonly groups: readonly Expected[];
  /** What the last `up` wrote, encrypted, by path below the folder; of what the state keeps. */
  readonly documents: ReadonlyMap<string, string>;
}

const causes = {
  no: ['missing', 'somebody deleted it after the last up'],
  unreadable: ['changed', 'somebody replaced it by something that is not encrypted'],
  'another tag': ['other tag', 'it is of before the last up, or somebody put an older one back'],
} as const;

export function askManifests({ place, target, keys, groups, documents }: ManifestsCase): Answers {
  const sightings: Sighting[] = [];
  const drifts: Drift[] = [];
  const own = groups.filter(({ tag }) => tag !== undefined);
  for (const { group, keys: names, tag } of own) {
    const { path, look } = target.manifest(group);
    const shown = `${place.shown}/${path}`;
    const about = { target: place.target, place: shown };
    const members = keys.filter(({ entry }) => entry.group === group);
    const { arrivals, findings } = lookAtManifests(place, target, members);
    const [finding] = findings;
    const text = textOf(join(place.directory, path));
    const found = text === undefined ? undefined : look(text);
    if (finding !== undefined) {
      const arrival = arrivals.get(names[0] ?? members[0]?.key ?? 'binance_api_key');
      const known = causes[arrival as keyof typeof causes] as
        | (typeof causes)[keyof typeof causes]
        | undefined;
      const [kind, cause] = known ?? ['changed', 'the settings have changed since the last up'];
      const { allowed, got, fix } = finding;
      const expected = kind === 'other tag' ? shownTag(tag) : allowed;
      drifts.push({ kind, ...about, expected, found: got, cause, fix });
    } else if (documents.has(path) && documents.get(path) !== text) {
      drifts.push({
        kind: 'changed',
        ...about,
        expected: 'what the last up wrote',
        found: 'another text',
        cause: 'somebody edited it after the last up',
        fix: `npm start -- --stack ${place.stack}`,
      });
    }
    if (found === undefined) continue;
    const readers = (found.recipients ?? []).map((who) => ({
      who: `recipient ${shownName(who)}`,
      by: 'its key opens it',
      live: true,
    }));
    sightings.push({
      ...about,
      keys: names,
      tag: shownTag(found.tag) === `tag ${found.tag}` ? found.tag : undefined,
      since: writtenAt(join(place.directory, path)),
      readers,
    });
  }
  return { sightings, drifts: [...drifts, ...strangers(place, target, own)], unasked: [] };
}

function strangers(
  { target: name, shown, directory, stack }: ManifestPlace,
  target: ManifestsCase['target'],
  groups: readonly Expected[],
): readonly Drift[] {
  const paths = groups.map(({ group }) => target.manifest(group).path);
  return [...new Set(paths.map((path) => dirname(path)))]
    .flatMap((folder) => namesIn(join(directory, folder)).map((file) => `${folder}/${file}`))
    .filter((path) => !paths.includes(path))
    .map((path) => ({
      kind: 'unknown',
      target: name,
      place: `${shown}/${shownName(path)}`,
      expected: 'no such file',
      found: 'a file that the stack does not know',
      cause: 'somebody put it there, or it is of a group that the stack no longer uses',
      fix: `git log -- ${shown} says who, then git rm it; npm start -- --stack ${stack} writes the stack's own`,
    }));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function writtenAt(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtime.toISOString();
}
