/**
 * `hummingbot:index:getSwarm`: which swarm a Docker host is a manager of, and whether it can be used. A
 * swarm's identity is its cluster id, made once by `docker swarm init`: addresses may be another's.
 */
import {
  DockerApi,
  DockerError,
  type DockerHost,
  DockerUnreachable,
  isMissing,
} from '../docker-api.ts';
import {
  type Call,
  isObject,
  isUnknown,
  PluginError,
  type Properties,
} from '../resource-handler.ts';

export type Mistake = Readonly<Record<'what' | 'got' | 'allowed' | 'fix', string>>;

/** @returns `id`, and a `mistake` where it cannot be used as it is; nothing while it is not known */
export async function getSwarm(args: Properties, call: Call): Promise<Properties> {
  const { host, certPath, node } = args;
  if ([host, certPath, node].some(isUnknown)) return {};
  const place = { host: String(host), certPath: String(certPath ?? '') };
  const manager = await askManager(place, call.signal);
  if (manager.mistake !== undefined) return manager;
  const mistake = await nodeMistake(place, String(node), call);
  return { ...manager, ...(mistake && { mistake }) };
}

/** @returns the cluster id of the swarm that a host manages; without one, why it manages none */
export async function askManager(
  place: DockerHost,
  signal?: AbortSignal,
): Promise<{ readonly id: string; readonly mistake?: Mistake }> {
  try {
    const { Swarm: found } = await new DockerApi(place).get('/info', signal ? { signal } : {});
    const swarm = isObject(found) ? found : {};
    const mistake = mistakeOf(place.host, swarm);
    if (mistake !== undefined) return { id: '', mistake };
    return { id: String((swarm.Cluster as Properties | undefined)?.ID ?? '') };
  } catch (error) {
    if (error instanceof DockerUnreachable) {
      return { id: '', mistake: unreachable(place.host, error) };
    }
    if (!(error instanceof DockerError)) throw error;
    const got = `${error.code} of GET /info`;
    const fix = `docker --host ${place.host} info says why`;
    return { id: '', mistake: { what: 'dockerHost', got, allowed: 'an engine that answers', fix } };
  }
}

function unreachable(host: string, error: DockerUnreachable): Mistake {
  return error.isForbidden
    ? {
        what: 'dockerHost',
        got: `permission denied (${error.reason}) at ${host}`,
        allowed: 'a user that may use it',
        fix: 'sudo usermod -aG docker "$USER", and a new login; who is in that group is root there',
      }
    : {
        what: 'dockerHost',
        got: `no answer (${error.reason}) from ${host}`,
        allowed: 'an engine that answers',
        fix: `docker --host ${host} info says why, or another dockerHost`,
      };
}

/** What `docker info` says of the swarm (types/swarm: LocalNodeState). */
function mistakeOf(host: string, swarm: Properties): Mistake | undefined {
  const of = (got: string, fix: string): Mistake => ({
    what: 'dockerHost',
    got,
    allowed: "a manager of the stack's swarm",
    fix,
  });
  switch (swarm.LocalNodeState) {
    case 'active':
      break;
    case 'locked':
      return of('a manager that is locked', `docker --host ${host} swarm unlock`);
    case 'inactive':
      return of(
        'an engine that is in no swarm',
        `docker --host ${host} swarm init, or another dockerHost`,
      );
    default:
      return of(
        `an engine whose swarm is ${String(swarm.LocalNodeState || 'unknown')}`,
        `docker --host ${host} info says why`,
      );
  }
  if (swarm.ControlAvailable === true) return undefined;
  return of('a worker, which manages nothing', 'another dockerHost: docker node ls on a manager');
}

/** The bot's volumes are on one node: it has to be there, and take tasks. */
async function nodeMistake(
  place: DockerHost,
  id: string,
  call: Call,
): Promise<Mistake | undefined> {
  const { host } = place;
  const of = (got: string, fix: string): Mistake => ({
    what: 'swarmNode',
    got,
    allowed: 'the id of a node of the swarm that is ready and active',
    fix,
  });
  const list = `docker --host ${host} node ls`;
  try {
    const path = `/nodes/${encodeURIComponent(id)}`;
    const { Spec, Status } = await new DockerApi(place).get(path, { signal: call.signal });
    const { Availability: availability } = (Spec ?? {}) as Properties;
    const { State: state } = (Status ?? {}) as Properties;
    if (state !== 'ready') return of(`${id}, which is ${String(state)}`, list);
    if (availability === 'active') return undefined;
    return of(
      `${id}, which is set to ${String(availability)}`,
      `docker --host ${host} node update --availability active ${id}`,
    );
  } catch (error) {
    if (isMissing(error)) return of(`${id}, which is not in the swarm`, list);
    if (error instanceof DockerUnreachable) return unreachable(host, error);
    if (!(error instanceof PluginError)) throw error;
    return of(`no answer to what ${id} is`, list);
  }
}
