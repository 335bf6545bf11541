/**
 * Who may read in Vault: its policies, and who holds them by its auth methods, entities and groups.
 * Tokens that somebody made by hand are seen by their accessors, where the caller may list them; of
 * them the server itself says what they can (`sys/capabilities-accessor`).
 */
import type { VaultServer } from '../../components/systems.ts';
import { PluginError, type Properties } from '../../plugins/resource-handler.ts';
import type { Answers, Finding, Unasked } from './finding.ts';
import { isLike } from './iam-condition.ts';
import {
  type Opening,
  openingsBy,
  openingsOf,
  type Register,
  registersOf,
} from './vault-openings.ts';
import { capabilitiesOn, type PathRule, parseVaultPolicy } from './vault-policy.ts';

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

interface Held {
  readonly who: string;
  /** Its name, or a pattern of names. */
  readonly policy: string;
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
    const logins = await this.#logins();
    const registers = registersOf(logins);
    const { vault, names } = this.#scope;
    const openings = openingsOf(vault, names, registers);
    await this.#policies(await this.#holders(logins), openings, registers);
    await this.#tokens(openings);
    return { findings: this.#findings, unasked: this.#unasked };
  }

  async #policies(
    holders: readonly Held[],
    openings: readonly Opening[],
    registers: readonly Register[],
  ): Promise<void> {
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
      const own = openingsBy(rules, name, this.#scope.vault, registers);
      for (const opening of [...openings, ...own]) {
        const pattern = name === 'root' ? '*' : patternThatOpens(rules, opening);
        if (pattern !== undefined) this.#heldBy(name, opening, pattern, holders);
      }
    }
  }

  async #textOf(name: string): Promise<string | undefined> {
    const read = await this.#read(`sys/policies/acl/${name}`, `policy ${name}`);
    return read === undefined ? undefined : String(read.policy ?? '');
  }

  #heldBy(
    policy: string,
    { way, secret }: Opening,
    pattern: string,
    holders: readonly Held[],
  ): void {
    const { vault, stack } = this.#scope;
    const { readerRole, auth } = vault;
    const own = `auth/${auth}/role/${readerRole}`;
    const holding = holders
      // No pattern gives root.
      .filter((held) => (policy === 'root' ? held.policy === policy : isLike(policy, held.policy)))
      .map(({ who }) => who);
    const nobody = `nobody yet, by policy ${policy}`;
    for (const who of holding.length === 0 ? [nobody] : new Set(holding)) {
      if (who.startsWith('nobody') && policy === 'root') continue;
      const isOperator = policy === readerRole && who === own && way === 'read';
      const expected = isOperator ? 'brings the Secrets' : this.#why(who);
      const taking = `take it from ${who}`;
      const fix =
        policy !== readerRole
          ? `vault policy write ${policy}, without ${pattern}, or ${taking}`
          : who === own
            ? `npm start -- --stack ${stack}`
            : taking;
      this.#findings.push({
        system,
        who,
        way,
        secrets: secret === '' ? [] : [secret],
        expected,
        cause: `policy ${policy}, path ${pattern}`,
        fix: expected === undefined ? fix : '',
      });
    }
  }

  #why(who: string): string | undefined {
    // Until somebody holds it a policy opens nothing.
    if (who.startsWith('nobody yet')) return 'held by nobody';
    return this.#scope.administrators.includes(who) ? 'administrators' : undefined;
  }

  /** Where auth methods keep roles and users: `auth/approle/role`. */
  async #logins(): Promise<readonly string[]> {
    const mounts = await this.#read('sys/auth', 'its auth methods');
    if (mounts === undefined) return [`auth/${this.#scope.vault.auth}/role`];
    return Object.entries(mounts).flatMap(([mount, about]) => {
      const { type } = (about ?? {}) as { type?: string };
      if (type === 'token' || typeof type !== 'string' || !mount.endsWith('/')) return [];
      const kinds = lists[type];
      if (kinds === undefined) {
        this.#silent(
          `auth/${mount}`,
          `method ${type}, which is not known here`,
          `vault path-help auth/${mount} says what it lists`,
        );
      }
      return (kinds ?? []).map((kind) => `auth/${mount}${kind}`);
    });
  }

  /** Who gets which policies. */
  async #holders(logins: readonly string[]): Promise<readonly Held[]> {
    const found: Held[] = [{ who: 'every token with policy default', policy: 'default' }];
    const hold = (who: string, data: Properties | undefined): void => {
      found.push(...policiesIn(data).map((policy) => ({ who, policy })));
    };
    const others = ['auth/token/roles', 'identity/entity/name', 'identity/group/name'];
    for (const place of [...logins, ...others]) await this.#each(place, hold);
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
  async #tokens(openings: readonly Opening[]): Promise<void> {
    const what = 'its tokens (they need sudo)';
    const accessors = await this.#list('auth/token/accessors', what);
    const paths = [
      ...new Set(
        openings.flatMap(({ path, also }) => (also === undefined ? [path] : [path, also])),
      ),
    ];
    for (const accessor of accessors) {
      const known = this.#unasked.length;
      const about = await this.#ask(
        async () => await this.#api.write('auth/token/lookup-accessor', { accessor }),
        'a token',
      );
      const answer =
        about &&
        (await this.#ask(
          async () => await this.#api.write('sys/capabilities-accessor', { accessor, paths }),
          'what a token can',
        ));
      if (answer === undefined) {
        const missed = this.#unasked.slice(known);
        const isRefused = missed.some(({ got }) => got.includes('permission denied'));
        if (missed.length === 0 || isRefused) continue;
        // Of one that ended meanwhile nothing was missed.
        const live = await this.#list('auth/token/accessors', what);
        if (!live.includes(accessor)) this.#unasked.length = known;
        continue;
      }
      const data = dataOf(answer);
      const can = (path: string, needed: readonly string[]): boolean =>
        textsOf(data[path]).some((each) => each === 'root' || needed.includes(each));
      this.#token(accessor, dataOf(about), can, openings);
    }
  }

  #token(
    accessor: string,
    { display_name: name, policies, path: from }: Properties,
    can: (path: string, needed: readonly string[]) => boolean,
    openings: readonly Opening[],
  ): void {
    const { readerRole, auth } = this.#scope.vault;
    const held = textsOf(policies);
    // The operator's role is a row; its tokens come and go.
    if (held.length === 1 && held[0] === readerRole && from === `auth/${auth}/login`) return;
    const open = openings.filter(
      ({ path, needed, also }) =>
        can(path, needed) && (also === undefined || can(also, ['update'])),
    );
    const expected = this.#why(plainName(name));
    for (const { way, secret } of open) {
      this.#findings.push({
        system,
        who: `token ${plainName(name)} of ${plainName(from)}`,
        way,
        secrets: secret === '' ? [] : [secret],
        expected,
        cause: `policies ${held.join(', ')}`,
        fix:
          expected === undefined
            ? `vault token revoke -accessor ${accessor}, or take it from its policies`
            : '',
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

/** The rule's path that does; undefined: none. */
function patternThatOpens(
  rules: readonly PathRule[],
  { path, needed, also }: Opening,
): string | undefined {
  const can = (where: string, one: readonly string[]): string | undefined => {
    const on = capabilitiesOn(rules, where);
    return on?.capabilities.some((each) => one.includes(each)) ? on.pattern : undefined;
  };
  return also === undefined || can(also, ['update']) !== undefined ? can(path, needed) : undefined;
}

/** All fields that give policies, whatever the method calls them; some are patterns. */
function policiesIn(data: Properties | undefined): readonly string[] {
  const fields = [
    ...['token_policies', 'policies', 'value'],
    ...['allowed_policies', 'allowed_policies_glob'],
  ];
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
