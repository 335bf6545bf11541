/** Users and groups of this machine, from /etc/passwd and /etc/group; a directory service is not asked. */
import { readFileSync } from 'node:fs';

export class Accounts {
  readonly #users = new Map<number, string>();
  readonly #primary = new Map<number, string[]>();
  readonly #groups = new Map<
    number,
    { readonly name: string; readonly members: readonly string[] }
  >();

  /** @param passwd, group the files' text */
  constructor(passwd: string, group: string) {
    for (const [name = '', , uid, gid] of linesOf(passwd)) {
      this.#users.set(Number(uid), name);
      this.#primary.set(Number(gid), [...(this.#primary.get(Number(gid)) ?? []), name]);
    }
    for (const [name = '', , gid, members = ''] of linesOf(group)) {
      this.#groups.set(Number(gid), { name, members: members.split(',').filter(Boolean) });
    }
  }

  static read(): Accounts {
    return new Accounts(textOf('/etc/passwd'), textOf('/etc/group'));
  }

  /** Its number where it has no name. */
  userOf(uid: number): string {
    return this.#users.get(uid) ?? String(uid);
  }

  groupOf(gid: number): string {
    return this.#groups.get(gid)?.name ?? String(gid);
  }

  /** Whether its members are known. */
  hasGroup(gid: number): boolean {
    return this.#groups.has(gid);
  }

  /** Everybody in a group, by it or by their own entry. */
  membersOf(gid: number): readonly string[] {
    return [
      ...new Set([...(this.#groups.get(gid)?.members ?? []), ...(this.#primary.get(gid) ?? [])]),
    ].toSorted();
  }
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
