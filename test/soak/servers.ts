/**
 * kill -9 of a controller, the API server or etcd in the middle of a rotation on real servers, 20
 * times: some seconds later it is started anew, and everything has to come right. Linux and root.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretKey } from '../../components/catalog.ts';
import { compareAtRest, storedVersions } from '../e2e/left-behind.ts';
import { appearing } from '../e2e/process-tree.ts';
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { bookFaults, makePair } from '../e2e/rotation-rules.ts';
import { killable, killServer } from '../e2e/server-kill.ts';
import { type Snapshot, snapshotFaults } from '../e2e/snapshot-rules.ts';
import { endOf, victims } from '../e2e/victims.ts';
import { random } from '../random.ts';
import { onRehearsal } from './on-rehearsal.ts';
import { type Round, type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
const count = 20;
/** Seconds in which everything has to be right, from when the server was started anew. */
const withinSeconds = 60;
/** Seconds that a server is away: at least, and up to so many more. */
const away = { least: 1, more: 7 };
/** Milliseconds of a change on a quiet machine; a kill that comes after its end is tried earlier. */
const changeMilliseconds = 24_000;
const sooner = 0.7;

class KilledServers {
  readonly stack: RehearsedStack;
  #serial = Date.now() % 1e6;
  #bookFaults = 0;

  constructor(stack: RehearsedStack) {
    this.stack = stack;
  }

  async round(round: number, seed: number): Promise<Omit<Round, 'commit' | 'at'>> {
    const { stack } = this;
    const draw = random(seed * 1000 + round);
    const name = killable[round % killable.length] ?? 'etcd';
    // Each server at early and late moments: its own rounds are spread evenly.
    const part = Math.floor(round / killable.length) / (count / killable.length);
    const share = part + draw() / (count / killable.length);
    const awaySeconds = away.least + draw() * away.more;
    for (let tries = 0; ; tries += 1) {
      this.#serial += 1;
      const pair = makePair(this.#serial);
      const values = new Map<SecretKey, string>([
        [keys.api, pair.api],
        [keys.secret, pair.secret],
      ]);
      await stack.import(values);
      const before = await storedVersions(stack, 'trading');
      const child = stack.begin('pulumi up');
      const result = stack.checkout.finish(child);
      await appearing(child.pid ?? 0, victims.engine, endOf(child));
      await sleep(changeMilliseconds * share * sooner ** tries);
      if (endOf(child)() && tries < 3) continue;
      const faults = endOf(child)() ? ['the change was over before the kill each time'] : [];
      const restart = killServer(stack, name);
      await sleep(awaySeconds * 1000);
      await restart();
      const back = Date.now();
      let { code } = await result;
      const same = code === 0 ? 1 : 0;
      if (code !== 0) ({ code } = await stack.up());
      const took = Date.now() - back;
      if (code !== 0) faults.push(`the next run ended with ${code}`);
      if (took > withinSeconds * 1000) faults.push(`it took ${Math.round(took / 1000)} s`);
      faults.push(...(await this.#faults(values, before)));
      const what = `${name} at ${Math.round(share * sooner ** tries * 100)} %`;
      return { round, what, faults, figures: { took, same, away: awaySeconds * 1000 } };
    }
  }

  async #faults(
    values: ReadonlyMap<SecretKey, string>,
    before: Awaited<ReturnType<typeof storedVersions>>,
  ): Promise<string[]> {
    const { stack } = this;
    const faults: string[] = [];
    const { stdout, code } = await stack.pulumi(['stack', 'export']);
    if (code !== 0) return [`stack export ended with ${code}`];
    const snapshot = JSON.parse(stdout) as Snapshot;
    faults.push(...snapshotFaults(snapshot));
    const compared = await compareAtRest(stack, snapshot);
    faults.push(...compared.unknown.map((each) => `in the cluster, and nobody's: ${each}`));
    faults.push(...compared.lost.map((urn) => `lost: ${urn}`));
    const { current, previous } = await storedVersions(stack, 'trading');
    if (previous?.id !== before.current.id) faults.push('AWSPREVIOUS is not what was there before');
    for (const [key, value] of values) {
      if (current.values[key] !== value) faults.push(`AWSCURRENT has another ${key}`);
      const seen = await stack.inBot(['cat', `/etc/secrets/trading/${key}`]);
      if (seen.stdout !== value) faults.push(`the bot's file ${key} is not the one set`);
    }
    const lines = bookFaults(stack.trades());
    faults.push(...lines.slice(this.#bookFaults));
    this.#bookFaults = lines.length;
    return faults;
  }
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod', { keepsBook: true });
    await onRehearsal(stack, slice, async () => {
      const killed = new KilledServers(stack);
      for (const round of rounds.next()) rounds.add(await killed.round(round, slice.seed));
    });
  },

  summary(rounds, seed) {
    const of = (name: string): readonly number[] => rounds.map(({ figures }) => figures[name] ?? 0);
    const took = of('took');
    return {
      title: 'servers killed in a change of prod',
      done:
        "Each round sets both halves of one exchange's key on a rehearsal of prod, starts `npm run pulumi -- up`, " +
        `kills a server of the cluster in its middle (kill -9, seed ${seed}) and starts it anew ${away.least} to ${away.least + away.more} s later. ` +
        'Where that run has failed for want of the server, one more is started. Then the bot and AWSCURRENT have what was set, ' +
        'AWSPREVIOUS is the version before, each object of the state is in the cluster with its UID and nothing else is, the state has ' +
        "nothing pending, twice or half replaced, and the bots' own book says that no two ran at once. The time is that from the server being back " +
        'to the end of the run that ended with 0. Figures of three numbers are the least, the median and the most.',
      figures: [
        ...killable.map((name) => {
          const own = rounds.filter(({ what }) => what.startsWith(`${name} at`));
          const moments = own.map(({ what }) => what.split(' at ')[1]).join(', ');
          return { what: `kills of ${name}: ${moments}`, seen: String(own.length) };
        }),
        {
          what: 'changes that the same run ended well',
          seen: String(of('same').reduce((sum, each) => sum + each, 0)),
        },
        { what: 'away, ms', seen: spread(of('away')) },
        {
          what: `from the server being back to everything right, ms (less than ${withinSeconds} s)`,
          seen: spread(took),
          holds: took.every((each) => each < withinSeconds * 1000),
        },
      ],
    };
  },
};
