/**
 * `hummingbot:index:getVault` and `hummingbot:index:getKvTurn`: what the program has to know of a
 * Vault server before it writes. Both read metadata alone; no value comes here.
 */
import { type Call, isObject, PluginError, type Properties } from '../provider-server.ts';
import { VaultApi, VaultError } from '../vault-api.ts';

/** What, got, allowed, fix. */
interface Mistake {
  readonly what: string;
  readonly got: string;
  readonly allowed: string;
  readonly fix: string;
}

const forbidden = 403;

/**
 * @param args `address`, `mount` and `names`
 * @returns `id`, `owners`, and `mistake` when it cannot be used as it is
 * @throws PluginError when it does not answer
 */
export async function getVault(args: Properties, call: Call): Promise<Properties> {
  const { address, mount } = textsOf(args, 'getVault', 'address', 'mount');
  const names = Array.isArray(args.names) ? args.names.map(String) : [];
  const api = await VaultApi.connect(address);
  const refused = (mistake: Mistake): Properties => ({ id: '', owners: [], mistake });
  const what = 'vaultAddress';
  const at = `-address=${address}`;
  const health = await api.health(call);
  if (health.initialized !== true) {
    const fix = `vault operator init ${at}`;
    return refused({ what, got: 'a Vault that is not initialised', allowed: 'one that is', fix });
  }
  if (health.sealed !== false) {
    const fix = `vault operator unseal ${at}`;
    return refused({ what, got: 'a sealed Vault', allowed: 'an unsealed one', fix });
  }
  const login = `vault login ${at}, or VAULT_TOKEN`;
  if (!api.hasToken) {
    return refused({ what, got: 'no token', allowed: 'a token that deploys', fix: login });
  }
  try {
    const token = await api.read('auth/token/lookup-self', call);
    if (token === undefined) throw new VaultError(forbidden, '');
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const got = 'a token that Vault does not take';
    return refused({ what, got, allowed: 'a token that deploys', fix: login });
  }
  const engine = await readable(api, `sys/internal/ui/mounts/${mount}`, call);
  const options = isObject(engine?.options) ? engine.options : {};
  if (engine?.type !== 'kv' || options.version !== '2') {
    return refused({
      what: 'vaultMount',
      got: `${mount}, where there is no engine KV version 2 that the token may see`,
      allowed: 'where one is mounted',
      fix: `vault secrets enable ${at} -path=${mount} -version=2 kv, or a policy for the token`,
    });
  }
  const owners: { name: string; stack: string }[] = [];
  for (const name of names) {
    try {
      const own = customOf(await api.read(`${mount}/metadata/${name}`, call)).stack;
      if (typeof own === 'string') owners.push({ name, stack: own });
    } catch (error) {
      if (!isForbidden(error)) throw error;
      return refused({
        what: 'vaultMount',
        got: `${mount}/metadata/${name}, which the token may not read`,
        allowed: 'a token that deploys',
        fix: 'give its policy what docs/targets/vault.md lists',
      });
    }
  }
  return { id: health.cluster_id ?? '', owners };
}

/**
 * The version that a write of a secret has to follow (its check-and-set).
 *
 * When the newest version is the stack's own last write, of the same tag and metadata, it is the
 * one before it: what was then written is written again in no run, because nothing has changed.
 * Otherwise it is the newest, be it our own of other values, somebody else's, or a deleted one; a
 * write follows it, or is refused when another comes between.
 *
 * @param args `address`, `mount`, `name` and `metadata`
 * @returns `cas`; 0 where there is no secret
 */
export async function getKvTurn(args: Properties, call: Call): Promise<Properties> {
  const { address, mount, name } = textsOf(args, 'getKvTurn', 'address', 'mount', 'name');
  const wanted = isObject(args.metadata) ? args.metadata : {};
  const api = await VaultApi.connect(address);
  const found = await api.read(`${mount}/metadata/${name}`, call);
  const newest = Number(found?.current_version ?? 0);
  if (found === undefined || newest === 0) return { cas: 0 };
  const versions = isObject(found.versions) ? found.versions : {};
  const version = versions[`${newest}`];
  const alive = isObject(version) && version.deletion_time === '' && version.destroyed === false;
  const { cas, ...custom } = customOf(found);
  const own = alive && found.cas_required === true && same(custom, wanted);
  return { cas: own && cas === `${newest - 1}` ? newest - 1 : newest };
}

function customOf(metadata: Properties | undefined): Properties {
  return isObject(metadata?.custom_metadata) ? metadata.custom_metadata : {};
}

function same(one: Properties, other: Properties): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}

/** What one may not see is as if it were not there. */
async function readable(api: VaultApi, path: string, call: Call): Promise<Properties | undefined> {
  try {
    return await api.read(path, call);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof VaultError && error.status === forbidden;
}

function textsOf<Name extends string>(
  args: Properties,
  what: string,
  ...names: readonly Name[]
): Record<Name, string> {
  for (const name of names) {
    if (typeof args[name] === 'string' && args[name] !== '') continue;
    throw new PluginError(`${what}: ${name}: got nothing; allowed: text`);
  }
  return args as Record<Name, string>;
}
