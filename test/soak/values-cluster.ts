/** 10,000 random values through each cluster target, on real servers. Linux and root. */
import { targets } from '../../components/delivery/targets.ts';
import { ClusterValues, clusterTargets } from '../e2e/cluster-values.ts';
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { randomValues, sift } from '../values-fuzz.ts';
import { onRehearsal } from './on-rehearsal.ts';
import type { Rounds, Slice } from './rounds.ts';
import type { Figure, Soak } from './soak.ts';

const perRound = 500;
const count = 20;

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod');
    await onRehearsal(stack, slice, async () => {
      const cluster = new ClusterValues(stack);
      for (const round of rounds.next()) {
        const tried = randomValues(slice.seed * 1000 + round, perRound);
        const { taken, refused } = sift(tried, refuses);
        const unlike = await cluster.carry(taken);
        rounds.add({
          round,
          what: `${perRound} values a target`,
          faults: [...unlike].flatMap(([way, many]) =>
            many === 0 ? [] : [`${way}: ${many} were read unlike`],
          ),
          figures: {
            taken: taken.length,
            ...Object.fromEntries([...refused].map(([why, many]) => [`refused: ${why}`, many])),
          },
        });
      }
    });
  },

  summary(rounds, seed) {
    const all = (name: string): number =>
      rounds.reduce((added, { figures }) => added + (figures[name] ?? 0), 0);
    const reasons = [...new Set(rounds.flatMap(({ figures }) => Object.keys(figures)))].filter(
      (name) => name.startsWith('refused: '),
    );
    const refused = reasons.reduce((added, name) => added + all(name), 0);
    const taken = all('taken');
    const faults = rounds.flatMap((round) => round.faults);
    const figures: Figure[] = [
      ...clusterTargets.flatMap((target) =>
        ['file', 'variable'].map((way) => ({
          what: `${target}: equal in a pod, as a ${way}`,
          seen: String(taken),
          holds: !faults.some((line) => line.startsWith(`${target}, as a ${way}`)),
        })),
      ),
      {
        what: 'taken + refused beforehand',
        seen: `${taken} + ${refused}`,
        holds: taken + refused === rounds.length * perRound,
      },
      { what: 'refused share', seen: `${((100 * refused) / (taken + refused)).toFixed(1)} %` },
      ...reasons
        .toSorted()
        .map((name) => ({ what: name.replaceAll('|', '/'), seen: String(all(name)) })),
    ];
    return {
      title: 'random values through the cluster targets',
      done:
        `${count * perRound} random values (seed ${seed}): quotes, \`$\`, backticks, backslashes, line feeds, CRLF, ` +
        'NUL and control characters, unicode, PEMs whole and spoilt. What the shape or the target refuses goes no further; both ' +
        'targets refuse the same. The rest is rendered by the components AwsSecretsManager, ExternalSecrets and KubernetesSecrets under ' +
        `Pulumi's mocks, up to ${perRound} values a group, then kept by moto and synced by the External Secrets Operator, or written to the ` +
        'API server, and read by Python in a pod that has them as files of a volume and as environment variables. The pod says SHA-256 alone.',
      figures,
    };
  },
};

function refuses(value: string): string | undefined {
  const [first, ...others] = clusterTargets.map((name) => targets[name].refuses?.(value));
  if (others.some((reason) => reason !== first)) throw new Error('the targets differ');
  return first;
}
