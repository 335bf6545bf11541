/**
 * 1,000 rotations of an exchange's key in a row by `npm run rotate` on dev, whose targets are the files
 * of Docker Compose and an env file: how fast each arrives, and whether anything grows. Linux.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLedger } from '../../operations/rotation/ledger.ts';
import { leaks } from '../canary.ts';
import { Checkout, listFiles } from '../e2e/checkout.ts';
import { pathOf } from '../e2e/file-watch.ts';
import { Issuers } from '../e2e/issuers.ts';
import { orphansOf } from '../e2e/machine.ts';
import { makePair, type Pair } from '../e2e/rotation-rules.ts';
import { growthOf, type Rounds, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const count = 1000;
const keys = { api: 'binance_api_key', secret: 'binance_secret_key' } as const;
const state = '.local/state/.pulumi';
const stateFile = join(state, 'stacks/hummingbot-secrets/dev.json');
/** The most that the state may grow by in a hundred rotations, as a share. */
const mostGrowth = 0.01;
/** Pulumi's own history of updates grows by files of these names; it is counted by itself. */
const history = /(?:^|\/)state\/\.pulumi\/(?:history|backups)\//u;

class Row {
  readonly checkout = new Checkout();
  readonly #issuers = new Issuers();
  readonly #set = new Map<string, string>();
  #env: NodeJS.ProcessEnv = {};
  #files: ReadonlySet<string> = new Set();
  #done = 0;

  async start(): Promise<void> {
    this.#env = await this.#issuers.start();
    const hook = join(this.checkout.temporary, 'revoke');
    writeFileSync(hook, '#!/bin/sh\ncat > /dev/null\n', { mode: 0o755 });
    const word = 'rotation.revoke["trading.binance"]';
    const set = ['config', 'set', '--path', word, hook, '--stack', 'dev'];
    const { code } = await this.checkout.pulumi(set);
    if (code !== 0) throw new Error(`config set ended with ${code}`);
    const first = await this.checkout.npmStart();
    if (first.code !== 0) throw new Error(`the first run ended with ${first.code}`);
    // What the first rotations make is made once.
    for (const serial of [count + 1, count + 2]) await this.#rotate(makePair(serial));
    this.#files = new Set(this.#kept());
  }

  end(): void {
    this.#issuers.stop();
    this.checkout.remove();
  }

  #kept(): readonly string[] {
    return ['out', '.local', 'ledger', '../tmp']
      .flatMap((name) => listFiles(this.checkout.path(name)).map((path) => join(name, path)))
      .filter((path) => !history.test(path) && !/node-compile-cache/u.test(path));
  }

  /** @returns milliseconds until the last new file, by the file system, and until the command's end */
  async #rotate(pair: Pair): Promise<{ readonly arrived: number; readonly whole: number }> {
    for (const half of ['api', 'secret'] as const) {
      this.#set.set(`${keys[half]} ${this.#set.size}`, pair[half]);
    }
    const input = `BINANCE_API_KEY=${pair.api}\nBINANCE_SECRET_KEY=${pair.secret}\n`;
    const args = ['run', '--silent', 'rotate', '--', 'trading.binance'];
    const begun = Date.now();
    const { code, stdout, stderr } = await this.checkout.run('npm', args, {
      env: this.#env,
      input,
    });
    if (code !== 0) throw new Error(`the rotation ended with ${code}: ${stdout}${stderr}`);
    const whole = Date.now() - begun;
    const files = [pathOf(keys.api), pathOf(keys.secret), 'out/dev/.env.secrets'];
    const written = files.map((path) => statSync(this.checkout.path(path)).mtimeMs);
    return { arrived: Math.max(...written) - begun, whole };
  }

  async round(round: number): Promise<Parameters<Rounds['add']>[0]> {
    const pair = makePair(round + 1);
    const times = await this.#rotate(pair);
    this.#done += 1;
    const faults: string[] = [];
    for (const half of ['api', 'secret'] as const) {
      if (this.checkout.read(pathOf(keys[half])) !== pair[half]) {
        faults.push(`the file of ${keys[half]} is another`);
      }
    }
    const kept = this.#kept();
    faults.push(...kept.filter((path) => !this.#files.has(path)).map((path) => `left: ${path}`));
    const here = new Set(kept);
    faults.push(
      ...[...this.#files].filter((path) => !here.has(path)).map((path) => `gone: ${path}`),
    );
    for (let tries = 0; tries < 20 && orphansOf(this.checkout.directory).length > 0; tries += 1) {
      await sleep(250);
    }
    faults.push(...orphansOf(this.checkout.directory).map((each) => `a process is left: ${each}`));
    const ledger = readLedger(this.checkout.read('ledger/dev.jsonl'));
    const entries = 'entries' in ledger ? ledger.entries.length : 0;
    if (entries !== this.#done + 2) faults.push(`${entries} lines in the ledger`);
    const printed = this.checkout.printed.splice(0).join('\n');
    faults.push(...leaks(printed, this.#set).map((name) => `printed: ${name}`));
    const figures = {
      ...times,
      inARow: this.#done,
      state: statSync(this.checkout.path(stateFile)).size,
      journal: statSync(this.checkout.path('.local/rotations/dev.json')).size,
      historyFiles: this.#historyFiles(),
    };
    return { round, what: 'a rotation', faults, figures };
  }

  #historyFiles(): number {
    const paths = listFiles(this.checkout.path(state)).map((path) => join('state/.pulumi', path));
    return paths.filter((path) => history.test(path)).length;
  }
}

export const soak: Soak = {
  rounds: count,

  async run(rounds: Rounds): Promise<void> {
    const row = new Row();
    try {
      await row.start();
      for (const round of rounds.next()) rounds.add(await row.round(round));
    } finally {
      row.end();
    }
  },

  summary(rounds) {
    const of = (name: string): readonly number[] =>
      rounds.map(({ figures }) => figures[name] ?? Number.NaN);
    const growth = growthOf(rounds.map(({ figures }) => [figures.inARow ?? 0, figures.state ?? 0]));
    const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
    return {
      title: 'rotations of dev in a row',
      done:
        `${count} rotations of both halves of an exchange's key by \`npm run rotate -- trading.binance\` ` +
        'from standard input, with a hook that revokes. After each: both targets have the new values; no file, ' +
        'temporary or not, is there than after the second one, but those of the history of updates that Pulumi keeps; no process is left, but a language host that ends by its own check; the ledger has a line more, and its chain is whole; ' +
        'nothing that was printed has a value. Arrived: the later of the times that the file system gives to the ' +
        "new files, from the command's start, beside other tests on the machine (its limit is that of the soak `rotate-targets`). Figures of three numbers are the least, the median and the most.",
      figures: [
        { what: 'in a row on one stack', seen: String(most(of('inARow'))) },
        { what: 'arrived after, ms', seen: spread(of('arrived')) },
        { what: 'the whole command, ms', seen: spread(of('whole')) },
        { what: 'the state, bytes', seen: spread(of('state')) },
        {
          what: 'growth of the state in a hundred, %',
          seen: (growth * 100).toFixed(3),
          holds: growth <= mostGrowth,
        },
        { what: 'the journal, bytes', seen: spread(of('journal')) },
        {
          what: "files of Pulumi's own history at the end",
          seen: String(most(of('historyFiles'))),
        },
      ],
    };
  },
};
