/** The bot that Docker Compose runs: whether it is up, with which values, and what it says it read. */
import { spawnSync } from 'node:child_process';
import { type BotFacts, type Finding, problem } from './facts.ts';
import { container, lastWord, parseReport, reportPath } from './report.ts';

export interface Ran {
  /** Undefined when there is no such program. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the stack's folder. */
export type Run = (program: string, args: readonly string[]) => Ran;

export interface ContainerPlace {
  readonly stack: string;
  /** As a person goes there. */
  readonly shown: string;
  /** What starts the bot there: `docker compose up -d`, of the stack's outputs. */
  readonly next: string;
  /** Tags of the groups, as they were delivered last. */
  readonly tags: Readonly<Record<string, string>>;
  /** Values that no foreign word may hold. */
  readonly values: readonly string[];
}

const patienceMilliseconds = 20_000;

/** @param directory absolute */
export function runIn(directory: string): Run {
  return (program, args) => {
    const options = { cwd: directory, encoding: 'utf8', timeout: patienceMilliseconds } as const;
    const { status, stdout, stderr, error } = spawnSync(program, args, options);
    const missing = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    return {
      code: missing ? undefined : (status ?? 1),
      stdout: stdout ?? '',
      stderr: stderr ?? '',
    };
  };
}

/** What `docker compose ps` says of a container. */
interface State {
  readonly State?: string;
  readonly ExitCode?: number;
  /** `a=b,c=d` */
  readonly Labels?: string;
}

/** Whether what comes next is a bot's start, and not another program's. */
export function isCompose(next: string): boolean {
  return next.startsWith('docker compose ');
}

/** The words that each verb stands behind: those of the start, which the outputs name, without its own. */
export function composeWords(next: string): readonly string[] {
  return next.replace(/ up -d$/u, '').split(' ');
}

export function askContainer(run: Run, place: ContainerPlace): BotFacts {
  const words = composeWords(place.next);
  const compose = (...args: readonly string[]): Ran =>
    run(words[0] ?? '', [...words.slice(1), ...args]);
  const start = `cd ${place.shown} && ${place.next}`;
  const restart = `${start} --force-recreate`;
  const down = (...findings: readonly Finding[]): BotFacts => ({
    report: undefined,
    restart,
    findings,
  });
  const listed = compose('ps', '--all', '--format', 'json', container);
  const [state] = statesIn(listed.stdout);
  if (state === undefined) return down(absent(listed, place, words, start));
  if (state.State !== 'running') {
    const word = lastWord(
      compose('logs', '--no-log-prefix', '--tail', '50', container).stdout,
      place.values,
    );
    const exit = state.ExitCode === undefined ? '' : `, exit code ${state.ExitCode}`;
    const got = `a container that is ${plain(state.State)}${exit}`;
    return down(
      ...(word === undefined ? [] : [{ level: 'problem' as const, ...word }]),
      problem('bot', got, 'one that runs', start),
    );
  }
  const old = staleGroups(state, place.tags);
  const stale = old.map((group) =>
    problem('bot', `a container from before the last change of ${group}`, 'a new one', start),
  );
  const report = parseReport(
    compose('exec', '-T', container, 'cat', reportPath).stdout,
    place.values,
  );
  if (report !== undefined) return { report, restart, findings: stale };
  const got = `a container that runs and has no ${reportPath}`;
  return down(...stale, problem('bot', got, 'one that reads its keys', restart));
}

/** Why there is no container to see. What Docker says itself is not repeated. */
function absent(
  { code, stderr }: Ran,
  place: ContainerPlace,
  words: readonly string[],
  start: string,
): Finding {
  const [program = ''] = words;
  if (code === undefined) {
    return problem(program, 'none', 'Docker Engine with Compose', `install it, then ${start}`);
  }
  if (/permission denied/iu.test(stderr)) {
    const fix = 'run as one who may use it (sudo usermod -aG docker "$USER", then log in anew)';
    return problem(program, 'no right to use the engine', 'a user of it', fix);
  }
  if (/cannot connect|failed to connect|daemon running|no such host|refused/iu.test(stderr)) {
    const fix = `start it (sudo systemctl start docker), then ${start}`;
    return problem(program, 'an engine that does not answer', 'one that runs', fix);
  }
  if (/no configuration file|env file|no such file/iu.test(stderr)) {
    const fix = `npm start -- --stack ${place.stack}`;
    return problem(place.shown, 'no Compose file that can be read', 'what npm start writes', fix);
  }
  if (/unknown (?:command|shorthand flag|flag)|is not a docker command/iu.test(stderr)) {
    const fix = `install the Compose plugin, then ${start}`;
    return problem(program, 'no Compose', 'Docker Compose 2', fix);
  }
  return problem('bot', 'no container', 'one that runs', start);
}

/** One JSON an object a line; an array of them before Compose 2.21. */
function statesIn(text: string): readonly State[] {
  try {
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .flatMap((line) => JSON.parse(line) as State | readonly State[]);
  } catch {
    return [];
  }
}

/** Groups whose tag on the container is another than the delivered one. */
function staleGroups({ Labels = '' }: State, tags: ContainerPlace['tags']): readonly string[] {
  const labels = new Map(
    Labels.split(',').map((label): [string, string] => {
      const at = label.indexOf('=');
      return [label.slice(0, at), label.slice(at + 1)];
    }),
  );
  return Object.keys(tags).filter((group) => {
    const label = labels.get(`hummingbot-secrets.${group}-tag`);
    return label !== undefined && label !== tags[group];
  });
}

function plain(word = 'unknown'): string {
  return /^[a-z]{1,12}$/u.test(word) ? word : 'in an unknown state';
}
