/**
 * What must hold of a rotation at every moment, told by what a watch saw and by the bot's own book.
 * Each rule gives a line for each time that it was broken; none of them holds a value.
 */
import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import { makeCanary } from '../canary.ts';
import { runs, type WatchEvent } from './cluster-watch.ts';
import type { Trade } from './rehearsed-stack.ts';

export type PodEvents = readonly WatchEvent<V1Pod>[];
export type SecretEvents = readonly WatchEvent<V1Secret>[];

/** The two halves of an exchange's key, which are changed together. */
export interface Pair {
  readonly api: string;
  readonly secret: string;
}

/** New halves that say that they belong together. */
export function makePair(serial: number): Pair {
  return {
    api: `pair-${serial}-api-${makeCanary('pair')}`,
    secret: `pair-${serial}-secret-${makeCanary('pair')}`,
  };
}

/** The serial of a half; undefined for what `makePair` has not made. */
export function serialOf(value: string | undefined): number | undefined {
  const [, serial] = /^pair-(\d+)-/u.exec(value ?? '') ?? [];
  return serial === undefined ? undefined : Number(serial);
}

interface Span {
  readonly name: string;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

/**
 * When each bot ran, in resource versions: from the first time that the kubelet said so to the
 * first time after it that it no longer did, or that the pod was gone.
 */
export function runningSpans(pods: PodEvents): readonly (Span & { readonly secret: string })[] {
  const spans: (Span & { readonly secret: string })[] = [];
  for (const uid of new Set(pods.map((each) => each.uid))) {
    const own = pods.filter((each) => each.uid === uid);
    const began = own.find(({ object, type }) => type !== 'DELETED' && runs(object));
    if (began === undefined) continue;
    const ended = own.find(
      ({ revision, object, type }) =>
        revision > began.revision && (type === 'DELETED' || !runs(object)),
    );
    const volume = began.object.spec?.volumes?.find(({ name }) => name === 'trading-secrets');
    spans.push({
      name: began.name,
      from: began.revision,
      to: ended?.revision ?? Number.POSITIVE_INFINITY,
      secret: volume?.secret?.secretName ?? '',
    });
  }
  return spans;
}

/** "Never two bots": by the kubelet's word. */
export function overlaps(pods: PodEvents): readonly string[] {
  const spans = [...runningSpans(pods)].sort((a, b) => a.from - b.from);
  return spans.flatMap((span, at) =>
    spans
      .slice(at + 1)
      .filter(({ from }) => from < span.to)
      .map((other) => `${span.name} and ${other.name} ran at once`),
  );
}

/** "Never two bots": by the bots' own word. A start follows a stop of the one before. */
export function bookFaults(trades: readonly Trade[]): readonly string[] {
  return trades.flatMap((trade, at) => {
    const before = trades[at - 1];
    if (trade.what === 'start') {
      return before === undefined || before.what === 'stop'
        ? []
        : [`${trade.pod} began before ${before.pod} had stopped`];
    }
    return before?.what === 'start' && before.pod === trade.pod
      ? []
      : [`${trade.pod} stopped without being the one that ran`];
  });
}

/** "The Secret is never absent": of a bot that runs, the one that it has mounted is there. */
export function absences(pods: PodEvents, secrets: SecretEvents): readonly string[] {
  return runningSpans(pods).flatMap(({ name, from, to, secret }) => {
    const own = secrets.filter((each) => each.name === secret);
    const before = own.findLast(({ revision }) => revision <= from);
    if (before === undefined || before.type === 'DELETED') {
      return [`${secret} was not there when ${name} began`];
    }
    return own
      .filter(({ type, revision }) => type === 'DELETED' && revision > from && revision < to)
      .map(() => `${secret} went while ${name} ran`);
  });
}

/** "Key pairs are never mixed": in no state that any Secret ever had. */
export function mixtures(secrets: SecretEvents, keys: Pair): readonly string[] {
  return secrets.flatMap(({ name, revision, object }) => {
    const read = (key: string): number | undefined => {
      const data = object.data?.[key];
      return serialOf(data === undefined ? undefined : Buffer.from(data, 'base64').toString());
    };
    const [api, secret] = [read(keys.api), read(keys.secret)];
    return api === secret ? [] : [`${name} at ${revision}: pair ${api} with pair ${secret}`];
  });
}
