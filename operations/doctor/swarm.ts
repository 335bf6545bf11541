/**
 * What arrived in a swarm, by names and labels: an engine gives no secret's value back. And the bot of
 * its service, where the engine that is asked runs it.
 */
import type { SecretKey } from '../../components/catalog.ts';
import { filters } from '../../plugins/docker-api.ts';
import type { Run } from './container.ts';
import {
  type Arrival,
  type BotFacts,
  type Delivered,
  type Finding,
  isDeliverable,
  isExpected,
  type KeyFacts,
  problem,
} from './facts.ts';
import { parseReport, reportPath } from './report.ts';

/** What is asked of the API; a test has its own. */
export interface SwarmApi {
  list(
    path: string,
    details?: { readonly query?: Readonly<Record<string, string>> },
  ): Promise<readonly object[]>;
}

export interface SwarmPlace {
  readonly target: string;
  readonly stack: string;
  readonly host: string;
  readonly service: string;
  /** Of the groups, as they were delivered last. */
  readonly tags: Readonly<Record<string, string>>;
  /** Values that no foreign word may hold. */
  readonly values: readonly string[];
}

interface DockerSecret {
  readonly Spec?: { readonly Name?: string; readonly Labels?: Readonly<Record<string, string>> };
}

const label = 'hummingbot-secrets';

/** @throws DockerError, DockerUnreachable when the swarm cannot be asked */
export async function lookAtSwarm(
  api: SwarmApi,
  place: SwarmPlace,
  keys: readonly KeyFacts[],
): Promise<Delivered> {
  const query = filters({ label: [`${label}.stack=${place.stack}`] });
  const secrets = (await api.list('/secrets', { query })) as readonly DockerSecret[];
  const arrivals = new Map<SecretKey, Arrival>();
  const absent: SecretKey[] = [];
  for (const each of keys.filter(isExpected)) {
    const { key, entry } = each;
    const named = new RegExp(`^${key}-[0-9a-f]{8}$`, 'u');
    const found = secrets.filter(({ Spec }) => named.test(Spec?.Name ?? ''));
    const tag = place.tags[entry.group];
    const isThere = found.some(({ Spec }) => Spec?.Labels?.[`${label}.tag`] === tag);
    arrivals.set(key, isThere ? 'yes' : found.length > 0 ? 'another tag' : 'no');
    if (!isThere && isDeliverable(each)) absent.push(key);
  }
  const fix = `npm start -- --stack ${place.stack}`;
  const got = `no secret with the delivered tag of ${absent.join(', ')}`;
  const findings = absent.length === 0 ? [] : [problem('swarm secrets', got, 'one a key', fix)];
  return { target: place.target, arrivals, findings };
}

/** The bot, by the docker CLI on the stack's Docker host. */
export function askTask(run: Run, place: SwarmPlace): BotFacts {
  const { host, service } = place;
  const docker = ['--host', host];
  const restart = `docker --host ${host} service update --force ${service}`;
  const down = (...findings: readonly Finding[]): BotFacts => ({
    report: undefined,
    restart,
    findings,
  });
  const filter = ['--filter', `label=com.docker.swarm.service.name=${service}`];
  const listed = run('docker', [...docker, 'ps', '-q', ...filter]);
  const [task] = listed.stdout.trim().split('\n').filter(Boolean);
  if (task === undefined) {
    const got = listed.code === 0 ? 'no task that runs on this host' : 'nobody who could be asked';
    const fix = `docker --host ${host} service ps --no-trunc ${service}`;
    return down(problem('bot', got, 'one that runs', fix));
  }
  const labels = run('docker', [...docker, 'inspect', '-f', '{{json .Config.Labels}}', task]);
  const found = labelsIn(labels.stdout);
  const stale = Object.keys(place.tags)
    .filter((group) => {
      const tag = found[`${label}.${group}-tag`];
      return tag !== undefined && tag !== place.tags[group];
    })
    .map((group) => {
      const got = `a task from before the last change of ${group}`;
      return problem('bot', got, 'a new one', `npm start -- --stack ${place.stack}`);
    });
  const text = run('docker', [...docker, 'exec', task, 'cat', reportPath]).stdout;
  const report = parseReport(text, place.values);
  if (report !== undefined) return { report, restart, findings: stale };
  const got = `a task that runs and has no ${reportPath}`;
  return down(...stale, problem('bot', got, 'one that reads its keys', restart));
}

function labelsIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
