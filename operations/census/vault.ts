/**
 * What Vault has of a stack, by the metadata of each secret: its tag, and whether its version is the
 * one that the last `up` wrote. No value is asked for.
 */
import type { VaultServer } from '../../components/systems.ts';
import { PluginError, type Properties } from '../../plugins/resource-handler.ts';
import type { VaultApi } from '../../plugins/vault-api.ts';
import type { StoreCase } from './aws.ts';
import type { Answers, Drift, Expected, Sighting, Unasked } from './facts.ts';
import { shownTag, together } from './facts.ts';
import { shownName } from './names.ts';

export interface VaultCase extends StoreCase {
  readonly vault: VaultServer;
}

interface Version {
  readonly created_time?: string;
  readonly deletion_time?: string;
  readonly destroyed?: boolean;
}

export async function askVault(
  api: Pick<VaultApi, 'health' | 'read'>,
  about: VaultCase,
): Promise<Answers> {
  const { target, vault } = about;
  try {
    const { cluster_id: id } = await api.health();
    if (id !== vault.id) {
      const fix = "take the address of the stack's own (setting vaultAddress)";
      const got = 'another Vault';
      const unasked = [{ target, what: `Vault ${vault.address}`, got, fix }];
      return { sightings: [], drifts: [], unasked };
    }
  } catch (error) {
    return { sightings: [], drifts: [], unasked: [silent(about, `Vault ${vault.address}`, error)] };
  }
  const asked: Answers[] = [];
  for (const group of about.groups) asked.push(await askGroup(api, about, group));
  return together([...asked, await askStrangers(api, about)]);
}

function silent({ target, vault, prefix }: VaultCase, what: string, error: unknown): Unasked {
  if (!(error instanceof PluginError)) throw error;
  const [got = ''] = error.message.split('; ');
  const fix = `vault login, with a policy that reads and lists ${vault.mount}/metadata/${prefix}/* (docs/targets/vault.md)`;
  return { target, what, got, fix };
}

async function askGroup(
  api: Pick<VaultApi, 'read'>,
  about: VaultCase,
  { group, keys, tag }: Expected,
): Promise<Answers> {
  const { target, stack, prefix, vault } = about;
  const path = `${vault.mount}/metadata/${prefix}/${group}`;
  const place = `Vault secret ${vault.mount}/${prefix}/${group}`;
  const expected = tag === undefined ? 'what somebody else writes' : `tag ${tag}`;
  const base = { target, place, expected, fix: `npm start -- --stack ${stack}` };
  let found: Properties | undefined;
  try {
    found = await api.read(path);
  } catch (error) {
    return { sightings: [], drifts: [], unasked: [silent(about, place, error)] };
  }
  const number = Number(found?.current_version ?? 0);
  const versions = (found?.versions ?? {}) as Readonly<Record<string, Version>>;
  const version = versions[String(number)];
  const gone = version?.destroyed === true || (version?.deletion_time ?? '') !== '';
  if (found === undefined || number === 0 || gone) {
    const cause = 'somebody deleted it after the last up';
    const got = gone ? `version ${number}, which is deleted` : 'none';
    const drift: Drift = { kind: 'missing', ...base, found: got, cause };
    return { sightings: [], drifts: [drift], unasked: [] };
  }
  const data = (found.custom_metadata ?? {}) as Readonly<Record<string, string>>;
  const drifts: Drift[] = [];
  if (tag !== undefined) {
    const wanted = { stack, ...about.about(group) };
    const other = Object.entries(wanted).filter(([name, value]) => data[name] !== value);
    if (data.tag !== tag) {
      const cause = 'an older one was put back, or the last up did not come this far';
      drifts.push({ kind: 'other tag', ...base, found: shownTag(data.tag), cause });
    } else if (number !== Number(data.cas) + 1) {
      const at = version?.created_time ?? '';
      const since = /^[\dTZ:.+-]{1,40}$/u.test(at) ? `, written ${at}` : '';
      drifts.push({
        kind: 'changed',
        ...base,
        expected: `${expected}, of version ${Number(data.cas) + 1}`,
        found: `version ${number}${since}`,
        cause: 'somebody wrote another value into it after the last up',
      });
    }
    if (other.length > 0) {
      drifts.push({
        kind: 'changed',
        ...base,
        expected: other.map(([name, value]) => `${name} ${value}`).join(', '),
        found: other.map(([name]) => `${name} ${shownName(data[name] ?? 'unset')}`).join(', '),
        cause: 'somebody changed its custom metadata',
      });
    }
  }
  const isOurs = tag !== undefined && data.tag === tag && drifts.length === 0;
  const sighting: Sighting = {
    target,
    place,
    keys,
    tag: isOurs ? tag : undefined,
    since: version?.created_time,
    readers: [{ who: `role ${vault.readerRole}`, by: `policy ${vault.readerRole}`, live: false }],
  };
  return { sightings: [sighting], drifts, unasked: [] };
}

async function askStrangers(api: Pick<VaultApi, 'read'>, about: VaultCase): Promise<Answers> {
  const { target, prefix, vault, groups } = about;
  const what = `Vault secrets below ${vault.mount}/${prefix}/`;
  try {
    const listed = await api.read(`${vault.mount}/metadata/${prefix}?list=true`);
    const keys = (Array.isArray(listed?.keys) ? listed.keys : []).map(String);
    const known: readonly string[] = groups.map(({ group }) => group);
    // Behind one more slash begins another prefix.
    const strange = keys.filter((name) => !known.includes(name) && !name.endsWith('/'));
    const drifts = strange.map((name): Drift => {
      const path = `${vault.mount}/${prefix}/${shownName(name)}`;
      return {
        kind: 'unknown',
        target,
        place: `Vault secret ${path}`,
        expected: 'none of that name',
        found: 'one that the stack does not know',
        cause: 'somebody made it below the prefix, or it is of a group no longer used',
        fix: `vault kv metadata get -mount=${vault.mount} ${prefix}/${shownName(name)} says whose it is`,
      };
    });
    return { sightings: [], drifts, unasked: [] };
  } catch (error) {
    return { sightings: [], drifts: [], unasked: [silent(about, what, error)] };
  }
}
