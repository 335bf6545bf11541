/**
 * `npm run audit -- --since 24h --stack NAME --kubernetes-log FILE`: who read what, when, and whether
 * the settings expect it, from the logs of the systems. No system is asked.
 */
import { parseArgs } from 'node:util';
import type { Format } from './access/format.ts';
import { formatOf, withNotAsked } from './access/request.ts';
import { operatorsOf } from './access/review.ts';
import { readScope, type Scope } from './access/scope.ts';
import { unknown } from './audit/event.ts';
import { judgeOf } from './audit/judge.ts';
import { Keys, keyIdIn } from './audit/keys.ts';
import { KubernetesLog } from './audit/kubernetes-log.ts';
import {
  type Late,
  lateOf,
  readCloudTrail,
  readLines,
  rotatedOf,
  type Source,
} from './audit/reading.ts';
import { auditCodeOf, shownAudit } from './audit/shown.ts';
import { sinceOf } from './audit/since.ts';
import { inOrder, Tally } from './audit/tally.ts';
import { vaultLine } from './audit/vault-log.ts';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';

const usage =
  'npm run audit -- [--stack NAME] [--since 24h] [--kubernetes-log FILE] [--vault-log FILE] [--cloudtrail FILE] [--key ARN] [--format table|markdown|json]';
const help = `${usage}
FILE may be gzip, or - for the standard input; what a rotation made of it is read too, and each option may be given again
exit code 0: as expected; 1: something was done that is not; 2: a log could not be read (docs/audit.md)`;

interface Request {
  readonly stack: string;
  readonly since: string;
  readonly format: Format;
  readonly kubernetes: readonly string[];
  readonly vault: readonly string[];
  readonly cloudtrail: readonly string[];
  /** Ids of keys of KMS. */
  readonly keys: readonly string[];
}

/** @throws CommandError when the words are not known flags, or name no log */
export function parseRequest(args: readonly string[]): Request {
  const files = { type: 'string', multiple: true, default: [] as string[] } as const;
  const options = {
    stack: { type: 'string', short: 's', default: 'dev' },
    since: { type: 'string', default: '24h' },
    format: { type: 'string', short: 'f', default: 'table' },
    'kubernetes-log': files,
    'vault-log': files,
    cloudtrail: files,
    key: files,
  } as const;
  const values = (() => {
    try {
      return parseArgs({ args: [...args], options }).values;
    } catch {
      throw new CommandError(
        `audit: got an unknown option or word; allowed: ${usage}; fix: one of them`,
      );
    }
  })();
  const { stack, since, cloudtrail, 'kubernetes-log': kubernetes, 'vault-log': vault } = values;
  if (kubernetes.length + vault.length + cloudtrail.length === 0) {
    throw new CommandError(
      `audit: got no log; allowed: ${usage}; fix: --kubernetes-log /var/log/kubernetes/audit.log`,
    );
  }
  const keys = values.key.map((each) => {
    const id = keyIdIn(each);
    if (id !== undefined) return id;
    throw new CommandError(
      'audit --key: got what is no key; allowed: the ARN or the id of a key of KMS; fix: aws secretsmanager describe-secret --query KmsKeyId --output text --secret-id PREFIX/GROUP',
    );
  });
  const format = formatOf('audit', values.format);
  return { stack, since, format, kubernetes, vault, cloudtrail, keys };
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(help);
    return 0;
  }
  const request = parseRequest(words);
  refuseSwallowedFlags('npm run audit --', [
    'format',
    'since',
    'kubernetes-log',
    'vault-log',
    'cloudtrail',
  ]);
  const now = Date.now();
  const since = sinceOf(request.since, now);
  const { stack, format } = request;
  const scope = await readScope(stack, false);
  const judge = judgeOf(scope, operatorsOf(scope));
  const tally = new Tally(judge);
  const keys = new Keys(request.keys, judge);
  const { sources, late } = await readAll(request, scope, since, tally, keys);
  const report = {
    stack,
    since: new Date(since).toISOString(),
    at: new Date(now).toISOString(),
    events: [...tally.rows, ...keys.rows].toSorted(inOrder),
    sources,
    otherKeys: keys.others,
    late,
    left: {
      strange: tally.left.strange + keys.left.strange,
      expected: tally.left.expected + keys.left.expected,
    },
  };
  console.log(shownAudit(report, format));
  return auditCodeOf(report);
}

async function readAll(
  { kubernetes, vault, cloudtrail }: Request,
  scope: Scope,
  since: number,
  tally: Tally,
  keys: Keys,
): Promise<{ readonly sources: readonly Source[]; readonly late: readonly Late[] }> {
  const sources: Source[] = [];
  const late: Late[] = [];
  async function readRotated(path: string, read: (file: string) => Promise<Source>): Promise<void> {
    const { files, reachesBack } = rotatedOf(path, since);
    const own: Source[] = [];
    for (const file of files) own.push(await read(file));
    sources.push(...own);
    const begun = lateOf(path, own, since);
    if (!reachesBack && begun !== undefined) late.push(begun);
  }
  for (const path of kubernetes) {
    await readRotated(path, async (file) => {
      const log = new KubernetesLog(scope.namespace);
      return await readLines(file, "Kubernetes' audit", log.lineOf.bind(log), since, tally);
    });
  }
  if (vault.length > 0 && scope.vault === undefined) {
    throw new CommandError(
      `--vault-log: got a log, though stack ${scope.stack} has no Vault; allowed: one with that target; fix: another --stack`,
    );
  }
  const place = scope.vault && { prefix: scope.prefix, vault: scope.vault };
  const lineOf = (text: string) => (place === undefined ? unknown : vaultLine(text, place));
  for (const path of vault) {
    await readRotated(
      path,
      async (file) => await readLines(file, "Vault's audit device", lineOf, since, tally),
    );
  }
  const trail: Awaited<ReturnType<typeof readCloudTrail>>[] = [];
  for (const path of cloudtrail) {
    trail.push(await readCloudTrail(path, scope.prefix, since, tally, keys));
  }
  // Its files are many: together they have one beginning.
  const begun = lateOf('CloudTrail', trail, since);
  if (begun !== undefined && trail.length > 0 && !trail.some(({ isLookup }) => isLookup)) {
    late.push(begun);
  }
  return { sources: [...sources, ...trail], late };
}

if (import.meta.main) await runCommand(async () => await withNotAsked(main));
