/**
 * Which values were set after the last `up`, of targets whose values nobody reads back: by their
 * tags, made anew with the stack's own key out of its state. That key, like the values, stays in
 * this process.
 */
import type { SecretKey } from '../../components/catalog.ts';
import { tag } from '../../components/values.ts';
import type { Engine } from '../engine/engine.ts';
import type { Outputs } from '../engine/stack-outputs.ts';
import { statePasswords } from '../engine/state-passwords.ts';
import { type Arrival, type Delivered, type Finding, type KeyFacts, problem } from './facts.ts';

/** The key of the tags, as `pulumi stack export --show-secrets` has it; undefined when it is not there. */
export async function tagKeyOf(engine: Engine): Promise<string | undefined> {
  const passwords = await statePasswords(engine);
  return typeof passwords === 'number' ? undefined : passwords.get('tag-key');
}

/** A delivery of which it is known now that some of its values are older ones. */
export function withDrift(
  delivered: Delivered,
  tagKey: string,
  tags: Outputs['tags'],
  keys: readonly KeyFacts[],
  expected: ReadonlyMap<SecretKey, string>,
  stack: string,
): Delivered {
  const arrivals = new Map<SecretKey, Arrival>(delivered.arrivals);
  const older = new Map<string, SecretKey[]>();
  for (const { key, entry } of keys) {
    const value = expected.get(key);
    const last = tags[entry.group]?.keys[key];
    if (value === undefined || last === tag(tagKey, [[key, value]])) continue;
    if (arrivals.get(key) !== 'no') arrivals.set(key, last === undefined ? 'no' : 'older value');
    older.set(entry.group, [...(older.get(entry.group) ?? []), key]);
  }
  const findings = [...older].map(
    ([group, names]): Finding =>
      problem(
        `${delivered.target}, ${group}`,
        `an older value, or none, of ${names.join(', ')}`,
        'the values that are set',
        `npm start -- --stack ${stack}`,
      ),
  );
  return { ...delivered, arrivals, findings: [...delivered.findings, ...findings] };
}
