/**
 * kill -9 in the middle of `npm run rotate` on a rehearsal of prod: of the command, of the engine and of a
 * plugin, at ten moments each, and `--resume` behind each, which has to bring it to its end in two runs
 * at most. Linux and root.
 */
import { join } from 'node:path';
import type { Journal } from '../../operations/rotation/journal.ts';
import { readLedger } from '../../operations/rotation/ledger.ts';
import type { Step } from '../../operations/rotation/rotation.ts';
import type { Result } from '../e2e/checkout.ts';
import { RehearsedStack } from '../e2e/rehearsed-stack.ts';
import { victimNames } from '../e2e/victims.ts';
import { givenText } from './given-values.ts';
import { type Event, fixed, KilledProd, type Manner } from './killed-prod.ts';
import { changeOf, killFigures, listOf } from './kills.ts';
import { onRehearsal } from './on-rehearsal.ts';
import { type Rounds, type Slice, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const perVictim = 10;
const most = 2;

class ByRotation implements Manner {
  readonly perVictim = perVictim;
  readonly command = /^(?:\S*\/)?node .*operations\/rotate\.ts/;
  /** A roll out that failed is taken back, and tried again: two writes more. */
  readonly oneWrite = false;
  readonly #stack: RehearsedStack;
  #lines = 0;

  constructor(stack: RehearsedStack) {
    this.#stack = stack;
  }

  /** The command itself sets them. */
  async prepare(): Promise<void> {}

  #words(...words: readonly string[]): readonly string[] {
    return ['run', '--silent', 'rotate', '--', '--stack', this.#stack.stack, ...words];
  }

  begin() {
    const words = this.#words('trading.binance', `monitoring.${fixed}`, '--skip-check');
    return this.#stack.checkout.start('npm', words, this.#stack.environment);
  }

  readonly input = givenText;

  async next(_: number, victim: string, killed: Promise<Result>) {
    // What a killed command has left is still at work: the resumption has to live with that.
    if (victim !== 'command') await killed;
    const words = this.#words('--resume', '--skip-check');
    for (let runs = 1; ; runs += 1) {
      const last = await this.#stack.run('npm', words, '');
      if (runs === most || !this.taken()) return { last, runs };
    }
  }

  /** From then on nobody has to give them again. */
  taken(): boolean {
    return (this.#journal()?.current?.keys ?? []).some((each) => each.new !== undefined);
  }

  #path(...names: readonly string[]): string {
    return join('.local', 'rehearsal', this.#stack.stack, 'workspace', ...names);
  }

  #journal(): Journal | undefined {
    try {
      const path = this.#path('rotations', `${this.#stack.stack}.json`);
      return JSON.parse(this.#stack.checkout.read(path)) as Journal;
    } catch {
      // Not there yet. It is renamed into its place: a half one cannot be read.
      return undefined;
    }
  }

  get #ledgerPath(): string {
    return this.#path('ledger', `${this.#stack.stack}.jsonl`);
  }

  moments(victim: string): { readonly own: readonly Event[]; readonly named: readonly string[] } {
    const due = (step: Step) => (): boolean => this.#journal()?.current?.due === step;
    const ledger = this.#stack.checkout.path(this.#ledgerPath);
    if (victim === 'command') {
      return {
        own: [
          ['the check being due', due('check')],
          ['the roll out being due', due('roll out')],
          ['the revocation being due', due('revoke')],
          ['the record being due', due('record')],
          ['the new line of the ledger', changeOf(ledger)],
        ],
        named: [
          'PutSecretValue',
          'the ExternalSecret being Ready',
          "the preflight's pod",
          'the PATCH of the Deployment',
          'the old pod being told to stop',
        ],
      };
    }
    return {
      own: [],
      named: [
        'PutSecretValue',
        'the second PutSecretValue',
        'a write of the state',
        'the POST of the ExternalSecret',
        'the ExternalSecret being Ready',
        'the PATCH of the fixed ExternalSecret',
        "the preflight's pod",
        'the PATCH of the Deployment',
        'the DELETE of the old ExternalSecret',
      ],
    };
  }

  faults(isNew: boolean): readonly string[] {
    const faults: string[] = [];
    if (this.#journal()?.current !== undefined) faults.push('it is not over behind two --resume');
    const read = readLedger(this.#stack.checkout.read(this.#ledgerPath));
    if (!('entries' in read)) return [...faults, `the ledger's line ${read.line}: ${read.got}`];
    const grown = read.entries.length - this.#lines;
    this.#lines = read.entries.length;
    const expected = isNew ? 1 : 0;
    if (grown !== expected) faults.push(`${grown} new lines in the ledger, and not ${expected}`);
    return faults;
  }
}

export const soak: Soak = {
  rounds: perVictim * victimNames.length,

  async run(rounds: Rounds, slice: Slice): Promise<void> {
    const stack = new RehearsedStack('prod', { keepsBook: true });
    await onRehearsal(stack, slice, async () => {
      const prod = new KilledProd(stack, await stack.watch(), new ByRotation(stack));
      await prod.measure();
      for (const round of rounds.next()) rounds.add(await prod.round(round, slice.seed));
    });
  },

  summary(rounds, seed) {
    const of = (name: string): readonly number[] => rounds.map(({ figures }) => figures[name] ?? 0);
    return {
      title: 'kill -9 in a rotation of prod',
      done:
        "Each round gives both halves of one exchange's key, and one value of a group whose Secret is changed in place, to " +
        '`npm run rotate` on a rehearsal of prod: a real Kubernetes, External Secrets Operator, kubelet and Hummingbot, and ' +
        'moto for AWS. It kills one of its processes, and says `npm run rotate -- --resume`, beside whatever a killed command left ' +
        `at work, twice at most (seed ${seed}). Then: the rotation is over; where the new values had been taken, the bot's files, ` +
        'the Secret that is changed in place and AWSCURRENT have them, else all have the old ones; AWSCURRENT is the version that the state names, and no version has a label but the two of AWS; the ' +
        "ledger's chain is whole and has one line more, or none; in the state there is nothing pending, twice or half replaced, and in the namespace and in AWS there is " +
        'nothing that neither the state nor what it has made owns; no process is left, but the language host of a killed engine, which ends by its own check within five minutes. ' +
        "Over all rounds of a row watches and the bots' own book say that no Secret of a running bot was absent, no pair mixed, and no two bots ran at once. " +
        'Figures of three numbers are the least, the median and the most.',
      figures: [
        ...killFigures(rounds, perVictim),
        {
          what: 'runs of --resume',
          seen: spread(of('runs')),
          holds: Math.max(...of('runs')) <= most,
        },
        { what: 'killed after, ms of its life', seen: spread(of('after')) },
        { what: 'until it was over, ms', seen: spread(of('next')) },
        ...listOf(rounds.map(({ what }) => what)),
      ],
    };
  },
};
