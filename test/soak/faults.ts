/**
 * A share of all calls refused as too many, at AWS and at the API server: a whole first `up` and a
 * change by one more, counted by the proxies before both. Linux and root.
 *
 * What the official plugins do under it is not proven by the rehearsal's own: these try again as
 * often as the official ones say that they do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../operations/engine/command-error.ts';
import { leaks, makeCanary } from '../canary.ts';
import { ApiFaultProxy } from '../e2e/api-fault-proxy.ts';
import { AwsFaultProxy } from '../e2e/aws-fault-proxy.ts';
import type { FaultProxy } from '../e2e/fault-proxy.ts';
import { canRehearse, RehearsedStack } from '../e2e/rehearsed-stack.ts';
import type { Round, Rounds, Slice } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

/** Percent of the calls that are refused; the first is the ideal. */
const shares = [0, 10, 50] as const;
/** The most calls, by those of the same run without throttling. */
const mostTimes = 3;
/** The most runs of a step: the first, and one more. */
const mostRuns = 2;
const key = 'binance_api_key';
const steps = { first: 'first `up`', change: 'a change' } as const;
const systems = { aws: 'AWS', api: 'the API server' } as const;

/** A step: the first `up`, or the one after a change. */
interface Step {
  readonly runs: number;
  readonly milliseconds: number;
  readonly aws: Counts;
  readonly api: Counts;
}

interface Counts {
  readonly calls: number;
  readonly refused: number;
}

export const soak: Soak = {
  rounds: shares.length,

  async run(rounds: Rounds, { seed }: Slice): Promise<void> {
    if (!canRehearse) {
      throw new CommandError(
        `soak: got ${process.platform}; allowed: Linux as root; fix: sudo npm run soak -- faults`,
      );
    }
    for (const round of rounds.next()) {
      const share = shares[round] ?? 0;
      const faults: string[] = [];
      const found = await measure(share, seed, faults);
      const figures = Object.entries(found).flatMap(([name, step]) => [
        [`${name} runs`, step.runs] as const,
        [`${name} milliseconds`, step.milliseconds] as const,
        ...(['aws', 'api'] as const).flatMap((system) => [
          [`${name} ${system}`, step[system].calls] as const,
          [`${name} ${system} refused`, step[system].refused] as const,
        ]),
      ]);
      const what = `${share} % refused: ${Object.values(found).map(shownStep).join('; ')}`;
      rounds.add({ round, what, faults, figures: Object.fromEntries(figures) });
    }
  },

  summary(rounds, seed) {
    const done =
      `A share of all calls of the one who deploys was refused, chosen with seed ${seed}: by AWS with ` +
      'ThrottlingException or Throttling and status 400, by the API server with 429 and ' +
      '`Retry-After: 1`. For each share a rehearsal of prod from nothing: a first `up`, and the `up` ' +
      'after a change of one key; where a run failed, one more. Calls are those that the proxies ' +
      'before moto and before the API server counted, the refused ones among them; those of External ' +
      "Secrets go past them. The plugins are the rehearsal's own, which try as often as the official " +
      'ones: AWS 25 times, the API server 10 times more after Retry-After. What the official ones do is not proven by it.';
    return {
      title: 'throttling',
      done,
      figures: rounds.flatMap((each) => figuresOf(each, rounds)),
    };
  },
};

function figuresOf({ round, figures }: Round, rounds: readonly Round[]): Figure[] {
  const ideal = rounds.find((each) => each.round === 0)?.figures ?? {};
  const share = shares[round] ?? 0;
  return Object.entries(steps).flatMap(([step, title]): Figure[] => {
    const of = (name: string, from = figures): number => from[`${step} ${name}`] ?? Number.NaN;
    const about = `${share} % refused, ${title}`;
    return [
      {
        what: `${about}: runs until it was green (at most ${share === 0 ? 1 : mostRuns})`,
        seen: `${of('runs')}, ${(of('milliseconds') / 1000).toFixed(0)} s`,
        holds: of('runs') <= (share === 0 ? 1 : mostRuns),
      },
      ...Object.entries(systems).map(([system, name]) => {
        const times = of(system) / of(system, ideal);
        return {
          what: `${about}: calls of ${name}, the refused among them, times the ideal (at most ${mostTimes})`,
          seen: `${of(system)}, ${of(`${system} refused`)}, ${times.toFixed(2)}`,
          holds: times <= mostTimes,
        };
      }),
    ];
  });
}

/** One share: a rehearsal of its own, because a stack comes up from nothing once. */
async function measure(
  share: number,
  seed: number,
  faults: string[],
): Promise<Readonly<Record<keyof typeof steps, Step>>> {
  const stack = new RehearsedStack('prod');
  const value = makeCanary('throttled');
  const proxies: FaultProxy[] = [];
  try {
    await startServers(stack);
    const aws = await AwsFaultProxy.start(stack.environment.AWS_ENDPOINT_URL ?? '');
    const api = await ApiFaultProxy.start(stack.folder, stack.cluster.server);
    proxies.push(aws, api);
    const path = join(stack.checkout.temporary, 'kubeconfig');
    api.writeKubeconfig(stack.cluster.kubeconfig, path);
    stack.detour = { AWS_ENDPOINT_URL: aws.endpoint, KUBECONFIG: path };
    if (share > 0) {
      aws.throttle(share / 100, seed);
      api.throttle(share / 100, seed + 1);
    }
    const first = await step(stack, aws, api, faults);
    await stack.set(key, value);
    const change = await step(stack, aws, api, faults);
    const { stdout } = await stack.inBot(['cat', `/etc/secrets/trading/${key}`]);
    if (stdout !== value) faults.push(`${share} %: the bot has another ${key}`);
    const printed = [stack.checkout.printed.join('\n'), ...stack.logs().values()];
    const hits = printed.flatMap((text) => leaks(text, new Map([['throttled', value]])));
    faults.push(...hits.map((hit) => `${share} %: printed or logged: ${hit}`));
    return { first, change };
  } finally {
    for (const proxy of proxies) await proxy.stop();
    await stack.end();
  }
}

/** Servers with values set and nothing written: a mistake of the committed file stops the `up`. */
async function startServers(stack: RehearsedStack): Promise<void> {
  const committed = stack.checkout.path('Pulumi.prod.yaml');
  const whole = readFileSync(committed, 'utf8');
  writeFileSync(committed, `${whole}  hummingbot-secrets:recoveryWindowDays: 1\n`);
  await stack.rehearse('up');
  writeFileSync(committed, whole);
  await stack.open();
  const copy = join(stack.folder, 'workspace', 'stacks', 'Pulumi.prod.yaml');
  const text = readFileSync(copy, 'utf8');
  writeFileSync(copy, text.replace(/^ +hummingbot-secrets:recoveryWindowDays: "?1"?\n/mu, ''));
}

/** Runs `up` until it is green, twice at most; what it failed for is a fault only if it stays. */
async function step(
  stack: RehearsedStack,
  aws: FaultProxy,
  api: FaultProxy,
  faults: string[],
): Promise<Step> {
  const [fromAws, fromApi] = [aws.counted.length, api.counted.length];
  const begun = Date.now();
  let runs = 1;
  let result = await stack.up();
  while (result.code !== 0 && runs < mostRuns) {
    runs += 1;
    result = await stack.up();
  }
  if (result.code !== 0) {
    const lines = `${result.stdout}\n${result.stderr}`.split('\n');
    faults.push(...lines.filter((line) => /^ *error: /u.test(line)).map((line) => line.trim()));
  }
  return {
    runs,
    milliseconds: Date.now() - begun,
    aws: countsOf(aws, fromAws),
    api: countsOf(api, fromApi),
  };
}

function countsOf({ counted }: FaultProxy, from: number): Counts {
  const calls = counted.slice(from);
  return { calls: calls.length, refused: calls.filter(({ passed }) => !passed).length };
}

function shownStep({ runs, milliseconds, aws, api }: Step): string {
  return `${runs} runs, ${Math.round(milliseconds / 1000)} s, AWS ${aws.calls} calls (${aws.refused} refused), API server ${api.calls} (${api.refused} refused)`;
}
