/**
 * What a run failed to make, though it may be there: its plugin died, or the answer was lost. Pulumi
 * forgets such a thing, and every next run is refused, because its name is taken. So it is
 * remembered, by what it is called and never by a value, until a run ends well
 * (docs/decisions/0014-what-a-killed-run-made.md).
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Stored } from './adoption.ts';
import type { EngineEvent, StepMetadata } from './events.ts';
import { writePrivate } from './private-file.ts';
import { workspace } from './workspace.ts';

/** Inputs that say what a thing is called or whose it is. No other is written down. */
const naming = [
  'name',
  'description',
  'tags',
  'kmsKeyId',
  'targetKeyId',
  'assumeRolePolicy',
  'secretId',
  'root',
  'path',
] as const;
const namingMetadata = ['name', 'namespace', 'labels'] as const;

/** Of an object of a cluster that was there before: whoever made it, it was not this run. */
const wasThere = /already exists|AlreadyExists/u;

/** Listens to a run for what it failed to make. */
export class FailedCreates {
  readonly #before: readonly Stored[];
  readonly #failed = new Map<string, StepMetadata>();
  readonly #refused = new Set<string>();

  /** @param before what is still in doubt from earlier runs */
  constructor(before: readonly Stored[] = []) {
    this.#before = before;
  }

  hear({ resOpFailedEvent: failed, diagnosticEvent: said }: EngineEvent): void {
    if (failed !== undefined && /^create/u.test(failed.metadata.op)) {
      this.#failed.set(failed.metadata.urn, failed.metadata);
    }
    if (said?.urn !== undefined && wasThere.test(said.message)) this.#refused.add(said.urn);
  }

  /** What may be there all the same, as a place in a state has it. */
  get doubtful(): readonly Stored[] {
    const own = [...this.#failed.values()].flatMap((each) => {
      const { urn, type, provider, new: made } = each;
      // In AWS what is ours can be told from what is not: made-in-aws.ts.
      if (type.startsWith('kubernetes:') && this.#refused.has(urn)) return [];
      const { custom = true, parent, protect, inputs = {} } = made ?? {};
      return [
        {
          urn,
          type,
          custom,
          ...(provider !== undefined && { provider }),
          ...(parent !== undefined && { parent }),
          ...(protect === true && { protect }),
          inputs: namesIn(inputs),
        },
      ];
    });
    const earlier = this.#before.filter((each) => !own.some((one) => isSame(one, each)));
    return [...earlier, ...own];
  }
}

/** Of one URN there may be two: another value has another name. */
function isSame(one: Stored, other: Stored): boolean {
  return one.urn === other.urn && isDeepStrictEqual(one.inputs, other.inputs);
}

/** Without what is no name. */
export function withNamesAlone(made: Stored): Stored {
  return { ...made, inputs: namesIn(made.inputs ?? {}) };
}

function namesIn(inputs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { metadata } = inputs as { metadata?: Readonly<Record<string, unknown>> };
  return {
    ...only(inputs, naming),
    ...(metadata !== undefined && { metadata: only(metadata, namingMetadata) }),
  };
}

function only(
  from: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
}

/** @param what a stack, or a stack and what of it after a dot, which no stack's name has */
const fileOf = (what: string): string => join(workspace.doubtful, `${what}.json`);

/** What earlier runs of a stack failed to make, from this machine. */
export function rememberedCreates(what: string): readonly Stored[] {
  const path = fileOf(what);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as readonly Stored[]) : [];
}

/** @param doubtful nothing: what was remembered is forgotten */
export function rememberCreates(what: string, doubtful: readonly Stored[]): void {
  const path = fileOf(what);
  if (doubtful.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  writePrivate(path, JSON.stringify(doubtful));
}
