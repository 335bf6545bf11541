/**
 * A bot that takes its time to cancel orders, on the servers of a rehearsal: whatever takes its pod
 * away, the next one does not run beside it, and finds what it left.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { makeCanary } from '../canary.ts';
import { type ClusterWatch, runs, type WatchEvent } from './cluster-watch.ts';
import { canRehearse, RehearsedStack, type Trade } from './rehearsed-stack.ts';

/** How long the bot cancels orders; its grace period is two minutes. */
const shutdownSeconds = 15;

describe('never two bots', () => {
  const stack = new RehearsedStack('prod', { keepsBook: true });
  let watch: ClusterWatch;

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
    writeFileSync(join(data(), 'shutdown-seconds'), `${shutdownSeconds}\n`);
    writeFileSync(join(data(), 'marker'), 'left by the first bot');
    watch = await stack.watch();
  });
  after(async () => await stack.end());

  function data(): string {
    const path = stack.data();
    assert.ok(path !== undefined, 'no data volume');
    return path;
  }

  /** By the bots' own book: start and stop by turns, each pair of one bot. */
  function assertTurns(trades: readonly Trade[]): void {
    for (const [at, { what, pod, at: when }] of trades.entries()) {
      const text = JSON.stringify(trades);
      assert.equal(what, at % 2 === 0 ? 'start' : 'stop', text);
      const before = trades[at - 1];
      if (what === 'stop') assert.equal(pod, before?.pod, text);
      if (before !== undefined) assert.ok(when >= before.at, text);
    }
  }

  /** By the kubelet's word: at no event does the container of more than one pod run. */
  function assertOneRuns(): void {
    const running = new Set<string>();
    for (const { type, name, object } of watch.bots()) {
      if (type === 'DELETED' || !runs(object)) running.delete(name);
      else running.add(name);
      assert.ok(running.size <= 1, [...running].join(' and '));
    }
  }

  /** Waits until the book has a start more. @returns its lines since the ones before */
  async function nextStart(before: readonly Trade[], seconds = 90): Promise<readonly Trade[]> {
    const since = (): readonly Trade[] => stack.trades().slice(before.length);
    const came = await eventually(seconds, async () => since().at(-1)?.what === 'start');
    assert.ok(came, JSON.stringify(stack.trades()));
    return since();
  }

  /** One bot stopped, after all its time, and then the next one started. */
  function assertSlowChange(since: readonly Trade[], asked: number): void {
    assert.deepEqual(
      since.map(({ what }) => what),
      ['stop', 'start'],
    );
    const took = (since[0]?.at ?? 0) - Math.floor(asked / 1000);
    assert.ok(took >= shutdownSeconds - 1, `it had ${took} s to cancel its orders`);
    assertTurns(stack.trades());
    assertOneRuns();
  }

  /** Events of pods that are there and not yet placed, by why not. */
  function waitingEvents(name: string): readonly WatchEvent<V1Pod>[] {
    return watch.bots().filter((event) => event.name === name && refusal(event) !== '');
  }

  it('waits with the next pod while a deleted one still cancels its orders', async () => {
    const trades = stack.trades();
    const first = (await stack.pod()).metadata?.name ?? '';
    const asked = Date.now();
    assert.equal((await stack.kubectl('delete', 'pod', first, '--wait=false')).code, 0);
    const since = await nextStart(trades);
    assertSlowChange(since, asked);
    // Recreate does not hold it back: it was made at once, and the claim kept it from any node.
    const second = since.at(-1)?.pod ?? '';
    const [waiting] = waitingEvents(second);
    assert.match(waiting === undefined ? '' : refusal(waiting), /ReadWriteOncePod/u);
    assert.ok((waiting?.at ?? 0) < (since[0]?.at ?? 0) * 1000, 'it waited before the stop');
    assert.equal(first === second, false);
  });

  it('waits through a drain, also on a node that is open again before the old bot ended', async () => {
    const trades = stack.trades();
    const node = (await stack.pod()).spec?.nodeName ?? '';
    const asked = Date.now();
    const flags = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=90s'];
    const draining = stack.kubectl('drain', node, ...flags);
    const evicted = await watch.next(
      'pods',
      30,
      ({ at, object }) => at >= asked && object.metadata?.deletionTimestamp !== undefined,
    );
    assert.ok(evicted !== undefined, 'nothing was evicted');
    assert.equal((await stack.kubectl('uncordon', node)).code, 0);
    const { code, stderr } = await draining;
    assert.equal(code, 0, stderr);
    const since = await nextStart(trades);
    assertSlowChange(since, asked);
    const why = waitingEvents(since.at(-1)?.pod ?? '').map(refusal);
    assert.ok(
      why.some((each) => each.includes('ReadWriteOncePod')),
      why.join('; '),
    );
  });

  it('waits in a rotation that begins while the bot before still ends', async () => {
    const trades = stack.trades();
    const value = makeCanary('rotated');
    await stack.set('binance_api_key', value);
    const asked = Date.now();
    assert.equal((await stack.kubectl('rollout', 'restart', 'deployment/hummingbot')).code, 0);
    const { code, stdout, stderr } = await stack.up();
    assert.equal(code, 0, stdout + stderr);
    const since = stack.trades().slice(trades.length);
    const took = (since[0]?.at ?? 0) - Math.floor(asked / 1000);
    assert.ok(took >= shutdownSeconds - 1, `it had ${took} s to cancel its orders`);
    // The restart's own pod may or may not have come between.
    assertTurns(stack.trades());
    assertOneRuns();
    const seen = await stack.inBot(['cat', '/etc/secrets/trading/binance_api_key']);
    assert.ok(seen.stdout === value, 'another value in the bot');
  });

  it('leaves to each bot the files of the one before', async () => {
    const marker = await stack.inBot(['cat', '/home/hummingbot/data/marker']);
    assert.equal(marker.stdout, 'left by the first bot');
    const book = await stack.inBot(['cat', '/home/hummingbot/data/trades.log']);
    const lines = readFileSync(join(data(), 'trades.log'), 'utf8');
    assert.equal(book.stdout, lines);
    // Four bots: the first, and after the delete, the drain and the rotation one each.
    const starts = stack.trades().filter(({ what }) => what === 'start');
    assert.ok(starts.length >= 4, lines);
    assert.equal(new Set(starts.map(({ pod }) => pod)).size, starts.length, lines);
  });
});

/** Why the scheduler has not placed a pod; empty when it has. */
function refusal({ object }: WatchEvent<V1Pod>): string {
  const scheduled = object.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' ? (scheduled.message ?? '') : '';
}
