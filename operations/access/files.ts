/** Who may read what a file target wrote: owners, modes, access lists, and whoever may put other directories in place. */
import { spawnSync } from 'node:child_process';
import { lstatSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { codeOf } from './file-system.ts';
import type { Answers, Finding, Unasked } from './finding.ts';
import type { Accounts } from './unix-accounts.ts';

export interface FilesScope {
  readonly stack: string;
  /** Absolute. */
  readonly directory: string;
  /** Below the directory, each once. */
  readonly files: readonly { readonly path: string; readonly mode: string }[];
  /** Names of this machine's users who may read everything. */
  readonly administrators: readonly string[];
}

const system = 'files';
const root = 0;
const others = 0o007;
const group = 0o070;
const sticky = 0o1000;

/** What it takes of the machine; a test has its own. */
export interface Machine {
  /** @throws an error of the file system, where somebody may not look */
  stat(path: string): Stats | undefined;
  /** Names in an access list, `user:ann:r--`; undefined: it cannot be had. */
  acl(path: string): readonly string[] | undefined;
  readonly uid: number;
}

export const thisMachine: Machine = {
  stat: (path) => lstatSync(path, { throwIfNoEntry: false }),
  acl: (path) => {
    const { status, stdout } = spawnSync('getfacl', ['-cpE', '--', path], { encoding: 'utf8' });
    if (status !== 0) return undefined;
    return stdout.split('\n').filter((line) => /^(?:user|group):[^:]+:/u.test(line));
  },
  uid: userInfo().uid,
};

/** What may not be looked at is a line for its directory, and the rest is answered. */
export function lookAtFiles(
  scope: FilesScope,
  accounts: Accounts,
  machine: Machine = thisMachine,
): Answers {
  const unasked = new Map<string, Unasked>();
  const stat = (path: string): Stats | undefined => {
    try {
      return machine.stat(path);
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      const got = `${code} in ${dirname(path)}`;
      const fix = `npm run access -- --stack ${scope.stack}, as its owner or root`;
      unasked.set(got, { system, got, fix });
      return undefined;
    }
  };
  const found = scope.files.flatMap(({ path, mode }) => {
    const whole = join(scope.directory, path);
    const file = stat(whole);
    return file === undefined ? [] : [{ path, mode, whole, stat: file }];
  });
  const look = { scope, accounts, machine };
  const directories = [...new Set(found.flatMap(({ whole }) => parentsOf(whole)))];
  const findings = [
    ...found.flatMap((each) => readersOf(look, each)),
    ...directories.flatMap((path) => replacersOf(look, path, stat(path))),
  ];
  return { findings, unasked: [...unasked.values()] };
}

interface Look {
  readonly scope: FilesScope;
  readonly accounts: Accounts;
  readonly machine: Machine;
}

interface Found {
  readonly path: string;
  readonly mode: string;
  readonly whole: string;
  readonly stat: Stats;
}

function readersOf(
  { scope, accounts, machine }: Look,
  { path, mode, whole, stat }: Found,
): readonly Finding[] {
  const got = octal(stat);
  const fix = `chmod ${mode} ${whole}, or npm start -- --stack ${scope.stack}`;
  const finding = (who: string, cause: string): Finding => ({
    system,
    who,
    way: 'read',
    secrets: [path],
    cause,
    fix,
  });
  const owner = accounts.userOf(stat.uid);
  const isOwn = [machine.uid, root].includes(stat.uid);
  const owned: Finding = {
    ...finding(`User:${owner}`, `owner of ${whole}`),
    ...(isOwn ? { expected: 'the owner', fix: '' } : { fix: `chown ${machine.uid} ${whole}` }),
  };
  if (!stat.isFile()) {
    const cause = `${whole} is ${stat.isSymbolicLink() ? 'a link' : 'no file'}`;
    return [
      {
        ...finding('whoever owns what it leads to', cause),
        fix: `rm ${whole}, then npm start -- --stack ${scope.stack}`,
      },
    ];
  }
  const named = (stat.mode & group) === 0 ? [] : (machine.acl(whole) ?? []);
  return [
    owned,
    // With an access list, the group's bits are its mask: without them nobody named reads.
    ...named.map((entry) => {
      const [kind = '', name = ''] = entry.split(':');
      const who = `${kind === 'user' ? 'User' : 'Group'}:${name}`;
      return {
        ...finding(who, `access list of ${whole}: ${entry.split(/\s/u)[0]}`),
        fix: `setfacl -b ${whole} && ${fix}`,
      };
    }),
    ...((stat.mode & group) === 0
      ? []
      : [finding(`Group:${accounts.groupOf(stat.gid)}`, `mode ${got} of ${whole}`)]),
    ...((stat.mode & others) === 0 ? [] : [finding('everybody', `mode ${got} of ${whole}`)]),
  ];
}

/** Whoever may write a directory may put another in the place of what is in it. */
function replacersOf(
  { scope, accounts, machine }: Look,
  path: string,
  stat: Stats | undefined,
): readonly Finding[] {
  if (stat === undefined) return [];
  const fix = `chmod go-w ${path}`;
  const finding = (who: string, cause: string, mend = fix): Finding => ({
    system,
    who,
    way: 'put other files in their place',
    secrets: [],
    cause,
    fix: mend,
  });
  const open = (stat.mode & sticky) === 0;
  const cause = `mode ${octal(stat)} of ${path}`;
  const isOwn = [machine.uid, root].includes(stat.uid);
  const owner = accounts.userOf(stat.uid);
  const expected = scope.administrators.includes(owner);
  const known = [owner, ...[machine.uid, root].map((uid) => accounts.userOf(uid))];
  const group = accounts.groupOf(stat.gid);
  // A group of one's own, as many systems give everybody, lets nobody else in.
  const inGroup = accounts.hasGroup(stat.gid)
    ? accounts
        .membersOf(stat.gid)
        .filter((who) => !known.includes(who) && !scope.administrators.includes(who))
        .map((who) => finding(`User:${who}`, `group ${group}, ${cause}`))
    : [finding(`Group:${group}`, cause)];
  return [
    ...(isOwn || expected
      ? []
      : [finding(`User:${owner}`, `owner of ${path}`, `chown ${machine.uid} ${path}`)]),
    ...(open && (stat.mode & 0o020) !== 0 && stat.gid !== root ? inGroup : []),
    ...(open && (stat.mode & 0o002) !== 0 ? [finding('everybody', cause)] : []),
  ];
}

function parentsOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...parentsOf(parent)];
}

function octal({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
