/** Facts in, rows and findings out: what keeps the bot from trading, and the command that mends it. */
import type { SecretKey } from '../../components/catalog.ts';
import {
  type Arrival,
  type Facts,
  type Finding,
  isDeliverable,
  isOfBot,
  type KeyFacts,
  pathOf,
  problem,
  type SetState,
} from './facts.ts';

export interface Row {
  /** `trading.binance_api_key` */
  readonly key: string;
  readonly set: SetState;
  /** By target. */
  readonly delivered: Readonly<Record<string, Arrival>>;
  /** Absent for keys that the bot does not read; null when the bot could not be asked. */
  readonly materialised?: boolean | null;
  readonly read?: boolean | null;
}

export interface Diagnosis {
  readonly stack: string;
  readonly healthy: boolean;
  /** The bot's keys first. */
  readonly keys: readonly Row[];
  readonly problems: readonly Omit<Finding, 'level'>[];
  readonly warnings: readonly Omit<Finding, 'level'>[];
  readonly bot: {
    readonly asked: boolean;
    readonly hummingbot: string | null;
    /** File of the strategy that runs. */
    readonly trading: string | null;
    /** When the bot wrote its report, ISO. */
    readonly at: string | null;
  };
  /** The last line. */
  readonly summary: string;
}

export function diagnose(facts: Facts): Diagnosis {
  const { stack, keys, deliveries, bot } = facts;
  const found = [
    ...facts.findings,
    ...deliveries.flatMap((each) => each.findings),
    ...(bot?.findings ?? []),
    ...unread(facts),
    ...untaken(facts),
    ...untraded(facts),
  ];
  const findings = [...found, ...unheard(facts, found)];
  const problems = only(findings, 'problem');
  const warnings = only(findings, 'warning');
  const report = bot?.report;
  return {
    stack,
    healthy: problems.length === 0,
    keys: [...keys.filter(isBotsRow), ...keys.filter((each) => !isBotsRow(each))].map((each) =>
      rowOf(each, facts),
    ),
    problems,
    warnings,
    bot: {
      asked: report !== undefined,
      hummingbot: report?.hummingbot ?? null,
      trading: report?.trading ?? null,
      at: report?.at ?? null,
    },
    summary: summaryOf(facts, problems.length, warnings.length),
  };
}

/** What the bot sees, whether it has a field for it or not. */
function isBotsRow({ entry }: KeyFacts): boolean {
  return entry.consumers.includes('hummingbot');
}

/** Whether the bot should read a key: one that has no value is a finding of its own. */
function isDue(each: KeyFacts): boolean {
  return isOfBot(each) && each.set !== 'left out';
}

function rowOf(each: KeyFacts, { deliveries, bot }: Facts): Row {
  const { key, set } = each;
  const delivered = deliveries.map(({ target, arrivals }): [string, Arrival] => {
    const arrival = arrivals.get(key) ?? 'unknown';
    // What is there cannot be what is set now.
    return [target, arrival === 'yes' && !isDeliverable(each) ? 'older value' : arrival];
  });
  const row = { key: pathOf(each), set, delivered: Object.fromEntries(delivered) };
  if (!isDue(each)) return row;
  const has = (names: readonly SecretKey[] | undefined): boolean | null =>
    bot?.report === undefined ? null : (names?.includes(key) ?? false);
  return { ...row, materialised: has(bot?.report?.materialised), read: has(bot?.report?.read) };
}

function only(findings: readonly Finding[], level: Finding['level']): Diagnosis['problems'] {
  const seen = new Set<string>();
  return findings.flatMap(({ level: own, ...mistake }) => {
    const text = JSON.stringify(mistake);
    if (own !== level || seen.has(text)) return [];
    seen.add(text);
    return [mistake];
  });
}

/** Keys that arrived and that the bot does not have: in one line, because one restart mends all. */
function unread({ keys, deliveries, bot }: Facts): readonly Finding[] {
  if (bot?.report === undefined) return [];
  const { materialised, read } = bot.report;
  const due = keys
    .filter(isDue)
    .filter(({ key }) => deliveries.some(({ arrivals }) => arrivals.get(key) === 'yes'))
    .map(({ key }) => key);
  const line = (names: readonly SecretKey[], what: string): readonly Finding[] =>
    names.length === 0
      ? []
      : [problem('bot', `${names.join(', ')} ${what}`, 'all that was delivered', bot.restart)];
  const missing = due.filter((key) => !materialised.includes(key));
  if (read === undefined) {
    const login = problem('bot', 'no login yet', 'a bot that has read its keys', bot.restart);
    return [...line(missing, 'not materialised'), login];
  }
  const lost = due.filter((key) => materialised.includes(key) && !read.includes(key));
  return [...line(missing, 'not materialised'), ...line(lost, 'materialised and not read')];
}

/** The bot runs on what it has, and would not start again with what is there now. */
function untaken({ bot }: Facts): readonly Finding[] {
  const { outside } = bot?.report ?? {};
  return outside === undefined ? [] : [{ level: 'problem', ...outside }];
}

/** Nothing wrong was seen, and the bot not heard: that is no health. */
function unheard({ stack, bot }: Facts, found: readonly Finding[]): readonly Finding[] {
  if (bot?.report !== undefined || found.some(({ level }) => level === 'problem')) return [];
  const fix = `npm start -- --stack ${stack}`;
  return [problem('bot', 'no word of it', 'one that says what it has read', fix)];
}

function untraded({ bot, strategy }: Facts): readonly Finding[] {
  if (strategy === undefined || bot?.report?.read === undefined) return [];
  if (bot.report.trading !== undefined) return [];
  return [problem('bot', 'no strategy that runs', 'the one of setting strategy', bot.restart)];
}

function summaryOf({ keys, bot }: Facts, problems: number, warnings: number): string {
  const noticed = warnings === 0 ? '' : `, ${counted(warnings, 'warning')}`;
  if (problems > 0) return `${counted(problems, 'problem')}${noticed}`;
  const due = keys.filter(isDue).length;
  const trading = bot?.report?.trading;
  const reads =
    due === 0 ? 'No exchange is listed (setting exchanges).' : `The bot reads all ${due} keys.`;
  const trades =
    trading === undefined
      ? 'It is not trading: no strategy is set (setting strategy).'
      : `It is trading ${trading}.`;
  return [reads, trades, ...(warnings > 0 ? [`${counted(warnings, 'warning')}.`] : [])].join(' ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
