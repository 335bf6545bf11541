/** The bot that a cluster runs: its pod, why it is not Ready, and what it says that it read. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { botSelector, tagsAnnotation } from '../../components/labels.ts';
import {
  type Event,
  hasEnded,
  isReady,
  type Pod,
  troubleOf,
} from '../../plugins/hummingbot/pod-trouble.ts';
import type { Api } from './cluster.ts';
import { type BotFacts, type Finding, problem } from './facts.ts';
import { container, lastWord, parseReport, reportPath } from './report.ts';

/** Runs a command in the bot's container. @returns what it printed, undefined when it could not */
export type Execute = (pod: string, command: readonly string[]) => Promise<string | undefined>;

export interface PodPlace {
  readonly stack: string;
  readonly namespace: string;
  /** `kubectl --context X --namespace Y` */
  readonly kubectl: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Values that no foreign word may hold. */
  readonly values: readonly string[];
}

const patienceMilliseconds = 20_000;
/** The init container; where there is none, the bot's own word counts. */
const firstContainer = 'materialise';

interface Ended {
  readonly terminated?: { readonly message?: string };
}
interface Status {
  readonly name: string;
  readonly state?: Ended & { readonly running?: object };
  readonly lastState?: Ended;
}

/** @throws KubernetesError, UnreachableError when the cluster cannot be asked */
export async function askPod(api: Api, execute: Execute, place: PodPlace): Promise<BotFacts> {
  const { namespace, kubectl, stack } = place;
  const restart = `${kubectl} rollout restart deployment/hummingbot`;
  const down = (...findings: readonly Finding[]): BotFacts => ({
    report: undefined,
    restart,
    findings,
  });
  const pods = await api.list(`/api/v1/namespaces/${namespace}/pods`);
  const [pod] = pods.items.filter(isBots).toSorted(newestFirst) as Pod[];
  const name = pod?.metadata?.name;
  if (pod === undefined || name === undefined) {
    return down(problem('bot', 'no pod', 'one that is Ready', `npm start -- --stack ${stack}`));
  }
  const findings: Finding[] = staleGroups(pod, place.tags).map((group) => {
    const got = `a pod from before the last change of ${group}`;
    return problem('bot', got, 'one of the last up', `npm start -- --stack ${stack}`);
  });
  if (!isReady(pod)) {
    const trouble = troubleOf(pod, await eventsOf(api, namespace, name));
    const word = statusesOf(pod)
      .map(messageOf)
      .map((message) => lastWord(message, place.values))
      .find((each) => each !== undefined);
    const fix = `${kubectl} describe pod ${name}`;
    if (word !== undefined) findings.push({ level: 'problem', ...word });
    findings.push(problem(`pod ${name}`, trouble?.text ?? 'not Ready yet', 'Ready', fix));
  }
  if (!statusesOf(pod).some((each) => each.name === container && each.state?.running)) {
    return down(...findings);
  }
  const written = await execute(name, ['cat', reportPath]);
  const report = written === undefined ? undefined : parseReport(written, place.values);
  if (report !== undefined) return { report, restart, findings };
  const got =
    written === undefined ? `no exec into pod ${name}` : `no ${reportPath} in pod ${name}`;
  const fix = written === undefined ? `${kubectl} auth can-i create pods/exec` : restart;
  return down(...findings, problem('bot', got, 'what it says that it has read', fix));
}

function isBots({ metadata, ...rest }: Pod): boolean {
  const [[label = '', value = ''] = []] = Object.entries(botSelector);
  return metadata?.labels?.[label] === value && !hasEnded({ metadata, ...rest } as Pod);
}

function newestFirst(one: Pod, other: Pod): number {
  const time = ({ metadata }: Pod): string =>
    String((metadata as { creationTimestamp?: string } | undefined)?.creationTimestamp ?? '');
  return time(one) < time(other) ? 1 : -1;
}

function statusesOf({ status }: Pod): readonly Status[] {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return (all as readonly Status[]).filter(({ name }) =>
    [firstContainer, container].includes(name),
  );
}

/** Its termination message, of now or of the last try. */
function messageOf({ state, lastState }: Status): string {
  return state?.terminated?.message ?? lastState?.terminated?.message ?? '';
}

async function eventsOf(api: Api, namespace: string, name: string): Promise<readonly Event[]> {
  // Who may see pods and no events learns less, and not nothing.
  const { items } = await api
    .list(`/api/v1/namespaces/${namespace}/events`)
    .catch(() => ({ items: [] }));
  return (items as readonly Event[]).filter(
    (each) => (each.involvedObject as { name?: string } | undefined)?.name === name,
  );
}

/** Groups whose tag in the pod's annotation is another than the delivered one. */
function staleGroups({ metadata }: Pod, tags: PodPlace['tags']): readonly string[] {
  try {
    const own = JSON.parse(metadata?.annotations?.[tagsAnnotation] ?? '{}') as PodPlace['tags'];
    return Object.keys(own).filter((group) => group in tags && own[group] !== tags[group]);
  } catch {
    return [];
  }
}

/** By the API, as `kubectl exec` does. */
export function executeIn(kubeconfig: string, namespace: string): Execute {
  return async (pod, command) => {
    const { Exec, KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromString(kubeconfig);
    const stdout = new PassThrough();
    const stderr = new PassThrough().resume();
    const late = sleep(patienceMilliseconds, undefined, { ref: false });
    try {
      const words = [...command];
      const exec = new Exec(config);
      const socket = await Promise.race([
        exec.exec(namespace, pod, container, words, stdout, stderr, null, false),
        late,
      ]);
      try {
        // The client ends it with the command.
        return socket && (await Promise.race([text(stdout), late]));
      } finally {
        socket?.close();
      }
    } catch {
      return undefined;
    }
  };
}
