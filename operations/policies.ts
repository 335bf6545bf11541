/**
 * `npm run policies -- --stack NAME`: previews a stack and asks the policy pack about everything that
 * it would make. It changes nothing. Exit code 1 when a policy is violated.
 */
import { parseArgs } from 'node:util';
import { CommandError, refuseSwallowedFlags, runCommand } from './engine/command-error.ts';
import { type Engine, prepareEngine } from './engine/engine.ts';
import { type EngineEvent, withEvents } from './engine/events.ts';
import { preparePolicyPack } from './engine/policy-pack.ts';

const usage = 'npm run policies -- [--stack NAME]';

/** @throws CommandError when the words are not known flags */
export function parseRequest(args: readonly string[]): { readonly stack: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { stack: { type: 'string', short: 's', default: 'dev' } },
    });
    return values;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('.')[0] : 'something else';
    throw new CommandError(`npm run policies: got ${reason?.toLowerCase()}; allowed: ${usage}`);
  }
}

/** What a run of the pack has said. */
export class Verdict {
  readonly #lines = new Set<string>();
  readonly #rules = new Set<string>();
  #asked = 0;
  #resources = 0;

  hear({ policyEvent, summaryEvent }: EngineEvent): void {
    if (policyEvent !== undefined && policyEvent.enforcementLevel === 'mandatory') {
      const { policyName, message, resourceUrn } = policyEvent;
      // One that looks at a resource, and again at the whole stack, says it once.
      const rule = policyName.replace(/-of-stack$/u, '');
      const said = message.trim().split('\n').at(-1) ?? '';
      this.#rules.add(rule);
      this.#lines.add(`${rule}: ${resourceOf(resourceUrn)}: ${said}`);
    }
    if (summaryEvent !== undefined) {
      this.#asked = Object.keys(summaryEvent.PolicyPacks ?? {}).length;
      const changes = Object.values(summaryEvent.resourceChanges ?? {});
      this.#resources = changes.reduce((sum, each) => sum + each, 0);
    }
  }

  /** A line a violation. */
  get violations(): readonly string[] {
    return [...this.#lines].sort();
  }

  /** How many rules were violated. */
  get rules(): number {
    return this.#rules.size;
  }

  /** Whether the engine has asked the pack at all. */
  get asked(): boolean {
    return this.#asked > 0;
  }

  get resources(): number {
    return this.#resources;
  }
}

/** `urn:pulumi:dev::hummingbot-secrets::PARENT$TYPE::NAME` */
function resourceOf(urn = ''): string {
  const [, , types = '', ...name] = urn.split('::');
  const type = types.split('$').at(-1) ?? '';
  return type === 'pulumi:pulumi:Stack' || type === '' ? 'the stack' : `${type} ${name.join('::')}`;
}

async function ask(engine: Engine): Promise<{ code: number; printed: string; verdict: Verdict }> {
  const verdict = new Verdict();
  const pack = preparePolicyPack(engine.cli);
  const words = ['preview', '--policy-pack', pack, '--suppress-progress', '--stack', engine.stack];
  const { code, stdout, stderr } = await withEvents(
    (event) => verdict.hear(event),
    async (heard) => await engine.ask(words, undefined, heard),
  );
  return { code, printed: `${stdout}${stderr}`, verdict };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

async function main(): Promise<number> {
  const given = process.argv.slice(2);
  if (given.includes('--help') || given.includes('-h')) {
    console.log(usage);
    return 0;
  }
  refuseSwallowedFlags('npm run policies --');
  const { stack } = parseRequest(given);
  const engine = await prepareEngine(stack, { lock: false, program: true });
  const { code, printed, verdict } = await ask(engine);
  for (const line of verdict.violations) console.error(line);
  const { length } = verdict.violations;
  if (length > 0) {
    const found = `${counted(length, 'violation')} of ${counted(verdict.rules, 'rule')}`;
    console.error(`\nstack ${stack}: ${found}; nothing was changed; the rules: docs/policies.md`);
    return 1;
  }
  if (code !== 0) {
    console.error(printed.trimEnd());
    console.error(
      `\nstack ${stack}: its preview failed, so that the policies were not asked about all of it`,
    );
    return code;
  }
  if (!verdict.asked) {
    throw new CommandError(
      `stack ${stack}: got no answer of the policies; allowed: a Pulumi that runs policy packs; fix: npm run pulumi -- preview --policy-pack policies --stack ${stack} says why`,
    );
  }
  console.log(`stack ${stack}: the policies find nothing in ${verdict.resources} resources`);
  return 0;
}

if (import.meta.main) await runCommand(main);
