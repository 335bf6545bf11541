/** Who may read what a file target wrote: owners, modes, access lists, and whoever may put other directories in place. */
import { spawnSync } from 'node:child_process';
import { lstatSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Finding } from './finding.ts';
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

export function lookAtFiles(
  scope: FilesScope,
  accounts: Accounts,
  machine: Machine = thisMachine,
): readonly Finding[] {
  const found = scope.files.flatMap(({ path, mode }) => {
    const whole = join(scope.directory, path);
    const stat = machine.stat(whole);
    return stat === undefined ? [] : [{ path, mode, whole, stat }];
  });
  if (found.length === 0) return [];
  const look = { scope, accounts, machine };
  const directories = [...new Set(found.flatMap(({ whole }) => parentsOf(whole)))];
  return [
    ...found.flatMap((each) => readersOf(look, each)),
    ...directories.flatMap((path) => replacersOf(look, path)),
  ];
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
function replacersOf({ scope, accounts, machine }: Look, path: string): readonly Finding[] {
  const stat = machine.stat(path);
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
  return [
    ...(isOwn || expected
      ? []
      : [finding(`User:${owner}`, `owner of ${path}`, `chown ${machine.uid} ${path}`)]),
    ...(open && (stat.mode & 0o020) !== 0 && stat.gid !== root
      ? [finding(`Group:${accounts.groupOf(stat.gid)}`, cause)]
      : []),
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
