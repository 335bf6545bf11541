/**
 * Who may read in Vault: its policies, and who holds them by its auth methods, entities and groups.
 * Tokens that somebody made by hand are seen by their accessors, where the caller may list them; of
 * them the server itself says what they can (`sys/capabilities-accessor`).
 */
import type { VaultServer } from '../../components/systems.ts';
import { PluginError, type Properties } from '../../plugins/resource-handler.ts';
import type { Answers, Finding, Unasked } from './finding.ts';
import { capabilitiesOn, parseVaultPolicy } from './vault-policy.ts';

/** What is asked of the API; a test has its own. */
export interface VaultAsked {
  read(path: string): Promise<Properties | undefined>;
  write(path: string, content: Properties): Promise<Properties | undefined>;
}

export interface VaultScope {
  readonly vault: VaultServer;
  /** Below the mount: `<prefix>/<group>`. */
  readonly names: readonly string[];
  readonly stack: string;
  /** Display names of tokens, or paths of roles and users, `auth/approle/role/deployer`. */
  readonly administrators: readonly string[];
}

const system = 'Vault';

/** Of an auth method, below its mount: where its roles or users are listed. */
const lists: Readonly<Record<string, readonly string[]>> = {
  kubernetes: ['role'],
  approle: ['role'],
  userpass: ['users'],
  ldap: ['users', 'groups'],
  jwt: ['role'],
  oidc: ['role'],
  aws: ['role'],
  gcp: ['role'],
  azure: ['role'],
  cert: ['certs'],
  github: ['map/teams', 'map/users'],
};

/** Each `list` and `read` that is refused is one line; the others go on. */
export async function lookAtVault(api: VaultAsked, scope: VaultScope): Promise<Answers> {
  return await new VaultReview(api, scope).all();
}

class VaultReview {
  readonly #api: VaultAsked;
  readonly #scope: VaultScope;
  readonly #findings: Finding[] = [];
  readonly #unasked: Unasked[] = [];

  constructor(api: VaultAsked, scope: VaultScope) {
    this.#api = api;
    this.#scope = scope;
  }

  async all(): Promise<Answers> {
    const holders = await this.#holders();
    await this.#policies(holders);
    await this.#tokens();
    return { findings: this.#findings, unasked: this.#unasked };
  }

  /** Paths with what on them opens the secrets. */
  get #paths(): readonly (readonly [path: string, needed: string, way: string, secret: string])[] {
    const { vault, names } = this.#scope;
    const { mount, auth, readerRole } = vault;
    return [
      ...names.map((name) => [`${mount}/data/${name}`, 'read', 'read', name] as const),
      [`sys/policies/acl/${readerRole}`, 'update', 'change the policy', ''],
      [`auth/${auth}/role/${readerRole}`, 'update', 'change who takes the role', ''],
      ['sys/policies/acl/any-other', 'create', 'make policies', ''],
      ['auth/token/create', 'sudo', 'make tokens of any policy', ''],
      ['sys/raw/logical', 'read', 'read the storage', ''],
    ];
  }

  async #policies(holders: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const names = await this.#list('sys/policies/acl', 'its policies');
    for (const name of names) {
      // It is everything, and has no text.
      const text = name === 'root' ? '' : await this.#textOf(name);
      if (text === undefined) continue;
      const rules = parseVaultPolicy(text);
      if (rules === undefined) {
        this.#silent(`policy ${name}`, 'text that is not understood', `vault policy read ${name}`);
        continue;
      }
      for (const [path, needed, way, secret] of this.#paths) {
        const on = capabilitiesOn(rules, path);
        const has = on?.capabilities.some((each) => each === needed || each === 'root');
        if (name !== 'root' && has !== true) continue;
        this.#heldBy(name, way, secret, name === 'root' ? '*' : (on?.pattern ?? ''), holders);
      }
    }
  }

  async #textOf(name: string): Promise<string | undefined> {
    const read = await this.#read(`sys/policies/acl/${name}`, `policy ${name}`);
    return read === undefined ? undefined : String(read.policy ?? '');
  }

  #heldBy(
    policy: string,
    way: string,
    secret: string,
    pattern: string,
    holders: ReadonlyMap<string, readonly string[]>,
  ): void {
    const { vault, stack } = this.#scope;
    const { readerRole, auth } = vault;
    const own = `auth/${auth}/role/${readerRole}`;
    for (const who of holders.get(policy) ?? [`nobody yet, by policy ${policy}`]) {
      if (who.startsWith('nobody') && policy === 'root') continue;
      const isOperator = policy === readerRole && who === own && way === 'read';
      this.#findings.push({
        system,
        who,
        way,
        secrets: secret === '' ? [] : [secret],
        expected: isOperator ? 'brings the Secrets' : this.#why(who),
        cause: `policy ${policy}, path ${pattern}`,
        fix:
          policy === readerRole
            ? `npm start -- --stack ${stack}`
            : `vault policy write ${policy}, without ${pattern}, or take it from ${who}`,
      });
    }
  }

  #why(who: string): string | undefined {
    // Until somebody holds it a policy opens nothing.
    if (who.startsWith('nobody yet')) return 'held by nobody';
    return this.#scope.administrators.includes(who) ? 'administrators' : undefined;
  }

  /** Who gets a policy, by the policy's name. */
  async #holders(): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, string[]>();
    const hold = (who: string, data: Properties | undefined): void => {
      for (const policy of policiesIn(data)) found.set(policy, [...(found.get(policy) ?? []), who]);
    };
    const mounts = (await this.#read('sys/auth', 'its auth methods')) ?? {};
    for (const [mount, about] of Object.entries(mounts)) {
      const { type } = (about ?? {}) as { type?: string };
      if (type === 'token' || typeof type !== 'string' || !mount.endsWith('/')) continue;
      const kinds = lists[type];
      if (kinds === undefined) {
        this.#silent(
          `auth/${mount}`,
          `method ${type}, which is not known here`,
          `vault path-help auth/${mount} says what it lists`,
        );
      }
      for (const kind of kinds ?? []) await this.#each(`auth/${mount}${kind}`, hold);
    }
    await this.#each('auth/token/roles', hold);
    await this.#each('identity/entity/name', hold);
    await this.#each('identity/group/name', hold);
    await this.#checkBinding();
    return found;
  }

  /** The operator's role is one service account's. */
  async #checkBinding(): Promise<void> {
    const { auth, readerRole } = this.#scope.vault;
    const role = await this.#read(`auth/${auth}/role/${readerRole}`, 'the role of the operator');
    const names = textsOf(role?.bound_service_account_names);
    const spaces = textsOf(role?.bound_service_account_namespaces);
    const strange = [...names, ...spaces].filter((each) => each.includes('*'));
    if (strange.length === 0 && names.length <= 1 && spaces.length <= 1) return;
    this.#findings.push({
      system,
      who: `ServiceAccounts ${names.join(', ')} of ${spaces.join(', ')}`,
      way: 'read',
      secrets: [],
      cause: `auth/${auth}/role/${readerRole}`,
      fix: `npm start -- --stack ${this.#scope.stack}`,
    });
  }

  async #each(
    path: string,
    hold: (who: string, data: Properties | undefined) => void,
  ): Promise<void> {
    for (const name of await this.#list(path, path)) {
      hold(`${path}/${name}`, await this.#read(`${path}/${name}`, `${path}/${name}`));
    }
  }

  /** Tokens that live now, whoever made them. */
  async #tokens(): Promise<void> {
    const accessors = await this.#list('auth/token/accessors', 'its tokens (they need sudo)');
    const paths = this.#paths.filter(([, , way]) => way === 'read').map(([path]) => path);
    for (const accessor of accessors) {
      const about = await this.#ask(
        async () => await this.#api.write('auth/token/lookup-accessor', { accessor }),
        'a token',
      );
      const { display_name: name, policies, path: from } = dataOf(about);
      const answer = await this.#ask(
        async () => await this.#api.write('sys/capabilities-accessor', { accessor, paths }),
        'what a token can',
      );
      const open = paths.filter((path) => {
        const can = textsOf(dataOf(answer)[path]);
        return can.includes('read') || can.includes('root');
      });
      if (open.length === 0) continue;
      const held = textsOf(policies);
      const isOperator = held.length === 1 && held[0] === this.#scope.vault.readerRole;
      const who = `token ${plainName(name)} of ${plainName(from)}`;
      this.#findings.push({
        system,
        who,
        way: 'read',
        secrets: open.map((path) => path.slice(this.#scope.vault.mount.length + '/data/'.length)),
        expected: isOperator ? 'brings the Secrets' : this.#why(plainName(name)),
        cause: `policies ${held.join(', ')}`,
        fix: `vault token revoke -accessor ${accessor}, or take it from its policies`,
      });
    }
  }

  async #list(path: string, what: string): Promise<readonly string[]> {
    const data = await this.#read(`${path}?list=true`, what);
    return textsOf(data?.keys).filter((name) => !name.endsWith('/'));
  }

  async #read(path: string, what: string): Promise<Properties | undefined> {
    return await this.#ask(async () => await this.#api.read(path), what, path);
  }

  async #ask(
    call: () => Promise<Properties | undefined>,
    what: string,
    path = '',
  ): Promise<Properties | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      const [plain = ''] = path.split('?');
      const right = path.endsWith('?list=true') ? 'list' : 'read';
      const fix =
        plain === '' ? 'a token that may' : `a token with the capability ${right} on ${plain}`;
      this.#silent(what, error.message, fix);
      return undefined;
    }
  }

  #silent(what: string, got: string, fix: string): void {
    if (this.#unasked.some((each) => each.got === `${what}: ${got}`)) return;
    this.#unasked.push({ system, got: `${what}: ${got}`, fix });
  }
}

/** All fields that give policies, whatever the method calls them. */
function policiesIn(data: Properties | undefined): readonly string[] {
  const fields = ['token_policies', 'policies', 'allowed_policies', 'value'];
  return [...new Set(fields.flatMap((field) => textsOf(data?.[field])))];
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string')
    return value
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean);
  return Array.isArray(value) ? value.map(String) : [];
}

function dataOf(answer: Properties | undefined): Properties {
  const data = answer?.data;
  return typeof data === 'object' && data !== null ? (data as Properties) : {};
}

function plainName(value: unknown): string {
  return typeof value === 'string' && /^[\w./@:-]{1,120}$/u.test(value) ? value : 'without a name';
}
