/**
 * Watches on one namespace that keep every event with the time it came. Values of Secrets stay in
 * this process. Events of different kinds are put in order by their resource version: the clusters
 * of rehearsals have one etcd, whose revisions count all kinds together.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import type { Access } from '../../rehearsal/servers/kubernetes-client.ts';

export interface ExternalSecret {
  readonly metadata?: { readonly name?: string; readonly uid?: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

interface Kinds {
  readonly pods: V1Pod;
  readonly secrets: V1Secret;
  readonly externalsecrets: ExternalSecret;
}

export type Kind = keyof Kinds;

export interface WatchEvent<T> {
  /** Milliseconds since 1970, when it came. */
  readonly at: number;
  /** Resource version of the object: of a deleted one, that of its deletion. */
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly name: string;
  readonly uid: string;
  readonly object: T;
}

/** Before the next try at a server that may be away. */
const pauseMilliseconds = 100;

const pathOf = (kind: Kind, namespace: string): string =>
  kind === 'externalsecrets'
    ? `/apis/external-secrets.io/v1/namespaces/${namespace}/externalsecrets`
    : `/api/v1/namespaces/${namespace}/${kind}`;

interface Meta {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

export class ClusterWatch {
  readonly #events: { readonly [K in Kind]: WatchEvent<Kinds[K]>[] } = {
    pods: [],
    secrets: [],
    externalsecrets: [],
  };
  readonly #aborts = new Map<Kind, AbortController>();
  /** Set when events may have been missed: what was seen then proves nothing. */
  #broken: string | undefined;
  #stopped = false;

  /** Begins with an ADDED for each object that is there. */
  static async start(
    access: Access,
    namespace: string,
    kinds: readonly Kind[] = ['pods', 'secrets', 'externalsecrets'],
  ): Promise<ClusterWatch> {
    const watch = new ClusterWatch();
    for (const kind of kinds) await watch.#follow(access, kind, namespace, undefined);
    // What is there comes first, at once.
    await sleep(500);
    return watch;
  }

  /** @throws Error when the watch has lost events */
  events<K extends Kind>(kind: K): readonly WatchEvent<Kinds[K]>[] {
    if (this.#broken !== undefined) throw new Error(`the watch has a gap: ${this.#broken}`);
    return this.#events[kind];
  }

  /** Events of the bot's pods; those of preflights, which run beside a bot, are left out. */
  bots(): readonly WatchEvent<V1Pod>[] {
    return this.events('pods').filter(({ object }) => isBot(object));
  }

  /** Waits for an event; undefined when none came within the seconds. */
  async next<K extends Kind>(
    kind: K,
    seconds: number,
    wanted: (event: WatchEvent<Kinds[K]>) => boolean,
  ): Promise<WatchEvent<Kinds[K]> | undefined> {
    for (const deadline = Date.now() + seconds * 1000; ; await sleep(50)) {
      const found = this.events(kind).find(wanted);
      if (found !== undefined || Date.now() > deadline) return found;
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const abort of this.#aborts.values()) abort.abort();
  }

  async #follow<K extends Kind>(
    access: Access,
    kind: K,
    namespace: string,
    from: string | undefined,
  ): Promise<void> {
    let last = from;
    const query = { allowWatchBookmarks: true, ...(from && { resourceVersion: from }) };
    const onEvent = (type: string, object: Kinds[K] & Meta): void => {
      if (type === 'ERROR') {
        this.#broken = `${kind}: the API server no longer has what came after ${last}`;
        return;
      }
      last = object.metadata?.resourceVersion ?? last;
      if (type === 'BOOKMARK') return;
      const events: WatchEvent<Kinds[K]>[] = this.#events[kind];
      events.push({
        at: Date.now(),
        revision: Number(object.metadata?.resourceVersion),
        type: type as WatchEvent<Kinds[K]>['type'],
        name: object.metadata?.name ?? '',
        uid: object.metadata?.uid ?? '',
        object,
      });
    };
    const onEnd = (): void => {
      if (this.#stopped) return;
      // The API server ends every watch after a while: it goes on where it was.
      const again = sleep(pauseMilliseconds).then(
        async () => await this.#follow(access, kind, namespace, last),
      );
      again.catch((error: unknown) => {
        this.#broken = `${kind}: ${error instanceof Error ? error.message : 'unknown'}`;
      });
    };
    const watch = new access.library.Watch(access.config);
    const abort = await watch.watch(pathOf(kind, namespace), query, onEvent, onEnd);
    this.#aborts.set(kind, abort);
    if (this.#stopped) abort.abort();
  }
}

export function isReady(object: ExternalSecret | V1Pod): boolean {
  const { conditions = [] } = object.status ?? {};
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

export function isBot({ metadata }: V1Pod): boolean {
  return metadata?.labels?.['app.kubernetes.io/name'] === 'hummingbot';
}

export function isPreflight({ metadata }: V1Pod): boolean {
  return metadata?.labels?.['hummingbot-secrets/preflight'] !== undefined;
}

/** Whether its containers have ended well. */
export function isDone({ status }: V1Pod): boolean {
  return status?.phase === 'Succeeded';
}

/** Restarts of its containers, those of init first. */
export function restartsOf({ status }: V1Pod): readonly number[] {
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {};
  return [...initContainerStatuses, ...containerStatuses].map(({ restartCount }) => restartCount);
}

/** Whether the bot's container runs, as far as the kubelet has said. */
export function runs({ status }: V1Pod): boolean {
  return status?.containerStatuses?.some(({ state }) => state?.running !== undefined) ?? false;
}
