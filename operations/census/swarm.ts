/** What a swarm has of a stack: its secrets by labels and names, and which services use them. */
import { isSecretKey, type SecretKey } from '../../components/catalog.ts';
import type { SwarmApi } from '../doctor/swarm.ts';
import type { Answers, Drift, Expected, Reader, Sighting } from './facts.ts';
import { shownTag } from './facts.ts';
import { shownName } from './names.ts';

export interface SwarmCase {
  readonly target: string;
  readonly stack: string;
  readonly host: string;
  readonly groups: readonly Expected[];
}

interface DockerSecret {
  readonly ID?: string;
  readonly CreatedAt?: string;
  readonly Spec?: { readonly Name?: string; readonly Labels?: Readonly<Record<string, string>> };
}

interface Service {
  readonly Spec?: {
    readonly Name?: string;
    readonly TaskTemplate?: {
      readonly ContainerSpec?: { readonly Secrets?: readonly { readonly SecretID?: string }[] };
    };
  };
}

const label = 'hummingbot-secrets';
const named = /^([a-z_]+)-[0-9a-f]{8}$/u;

/** @throws DockerError, DockerUnreachable when the swarm cannot be asked */
export async function askSwarm(api: SwarmApi, about: SwarmCase): Promise<Answers> {
  const { target, stack, host, groups } = about;
  const all = (await api.list('/secrets')) as readonly DockerSecret[];
  const services = (await api.list('/services')) as readonly Service[];
  const tags = new Map(
    groups.flatMap(({ keys, tag }) => (tag === undefined ? [] : keys.map((key) => [key, tag]))),
  ) as ReadonlyMap<SecretKey, string>;
  const own = all.filter(({ Spec }) => Spec?.Labels?.[`${label}.stack`] === stack);
  const sightings: Sighting[] = [];
  const drifts: Drift[] = [];
  for (const [key, tag] of tags) {
    const found = own.filter(({ Spec }) => keyIn(Spec?.Name) === key);
    const right = found.filter((each) => tagOf(each) === tag);
    for (const each of found) {
      const place = `Docker secret ${each.Spec?.Name}`;
      const readers = readersOf(each, services);
      const since = each.CreatedAt;
      if (right.includes(each)) {
        sightings.push({ target, place, keys: [key], tag: tagOf(each), since, readers });
      } else if (right.length > 0) {
        drifts.push({
          kind: 'stale',
          target,
          place,
          expected: `only that of tag ${tag}`,
          found: shownTag(tagOf(each)),
          cause:
            readers.length > 0
              ? 'a service still uses it: it has not moved to the new one'
              : 'it was left behind when the value changed, or somebody made it',
          fix: `docker --host ${host} secret rm ${each.Spec?.Name}, once no service uses it`,
        });
      } else {
        drifts.push({
          kind: 'other tag',
          target,
          place,
          expected: `tag ${tag}`,
          found: shownTag(tagOf(each)),
          cause: 'somebody replaced it, or the last up did not come this far',
          fix: `npm start -- --stack ${stack}`,
        });
      }
    }
    if (found.length === 0) {
      drifts.push({
        kind: 'missing',
        target,
        place: `Docker secret ${key}-*`,
        expected: `tag ${tag}`,
        found: 'none',
        cause: 'somebody removed it after the last up',
        fix: `npm start -- --stack ${stack}`,
      });
    }
  }
  const strangers = all.filter((each) => {
    const key = keyIn(each.Spec?.Name);
    const of = each.Spec?.Labels?.[`${label}.stack`];
    // Another stack's own has its label.
    if (of !== undefined && of !== stack) return false;
    if (of === stack) return key === undefined || !tags.has(key as SecretKey);
    return key !== undefined && isSecretKey(key);
  });
  return {
    sightings,
    drifts: [...drifts, ...strangers.map((each) => strangerOf(each, about, services))],
    unasked: [],
  };
}

function strangerOf(
  secret: DockerSecret,
  { target, stack, host }: SwarmCase,
  services: readonly Service[],
): Drift {
  const name = secret.Spec?.Name ?? '';
  const id = /^[0-9a-z]{1,64}$/u.test(secret.ID ?? '') ? secret.ID : 'ID';
  const labelled = secret.Spec?.Labels?.[`${label}.stack`] === stack;
  const used = readersOf(secret, services).map(({ who }) => who);
  const user = used.length === 0 ? 'no service uses it' : `used by ${used.join(', ')}`;
  return {
    kind: 'unknown',
    target,
    place: `Docker secret ${shownName(name)}`,
    expected: 'none of that name',
    found: `${labelled ? "a secret with the stack's label" : 'a secret named as ours, without a label of ours'}; ${user}`,
    cause: 'somebody made it by hand, or it is of a key that the stack no longer uses',
    fix: `docker --host ${host} secret inspect ${id} says since when; docker --host ${host} secret rm it if it is nobody's`,
  };
}

function keyIn(name = ''): string | undefined {
  return named.exec(name)?.[1];
}

function tagOf({ Spec }: DockerSecret): string | undefined {
  return Spec?.Labels?.[`${label}.tag`];
}

/** Services whose tasks see a secret, as the swarm says it. */
function readersOf({ ID }: DockerSecret, services: readonly Service[]): readonly Reader[] {
  return services
    .filter(({ Spec }) =>
      Spec?.TaskTemplate?.ContainerSpec?.Secrets?.some(({ SecretID }) => SecretID === ID),
    )
    .map(({ Spec }) => ({
      who: `service ${shownName(Spec?.Name ?? '')}`,
      by: 'its tasks mount it',
      live: true,
    }));
}
