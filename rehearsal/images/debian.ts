/** Root file systems of Debian 12, and commands that run inside one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { CommandError } from '../../operations/engine/command-error.ts';
import { installedBy, programOf } from '../debian-packages.ts';

export const debianRelease = 'bookworm';

/**
 * A Debian mirror: the one that this machine's apt uses.
 * @throws CommandError when apt has none, as on another distribution
 */
function mirror(): string {
  const targets = ['--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = spawnSync(programOf('apt-get', 'apt'), ['indextargets', ...targets], {
    encoding: 'utf8',
  });
  const found = mirrorAmong(stdout ?? '');
  if (found !== undefined) return found;
  throw new CommandError(
    "mirror of Debian: got none in apt's sources; allowed: a machine with Debian, and one apt-get update; fix: apt-get update",
  );
}

/** @param targets lines of origin, label and address, as apt prints them */
export function mirrorAmong(targets: string): string | undefined {
  const line = targets.split('\n').find((each) => each.startsWith('Debian|Debian|'));
  return line?.split('|')[2];
}

/** Command that makes a root file system of Debian with packages beside the smallest. */
export function debootstrap(root: string, packages: readonly string[]): readonly string[] {
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const keyring = installedBy('keys of Debian', 'debian-archive-keyring', () =>
    existsSync(keys) ? keys : undefined,
  );
  const flags = ['--variant=minbase', `--include=${packages.join(',')}`, `--keyring=${keyring}`];
  return isolated([
    programOf('debootstrap', 'debootstrap'),
    ...flags,
    debianRelease,
    root,
    mirror(),
  ]);
}

/**
 * Mounts, processes and their end: namespaces of its own, which end with the command, and the command
 * ends with the process that started it, whatever ends that one.
 */
function isolated(command: readonly string[]): readonly string[] {
  const namespaces = ['--fork', '--kill-child', '--pid', '--mount', '--mount-proc'];
  return [
    ...[programOf('setpriv', 'util-linux'), '--pdeathsig', 'KILL'],
    ...[programOf('unshare', 'util-linux'), ...namespaces, ...command],
  ];
}

/** Of this machine, for those inside who fetch: names, and authorities that a proxy may need. */
const ofThisMachine = ['/etc/resolv.conf', '/etc/pip.conf', '/etc/ssl/certs'];

const enter = `
set -e
root=$1 access=$2 fetches=$3 work=$4; shift 4
mount --bind "$root" "$root"
mount --bind "$work" "$root/mnt"
mkdir -p "$work/tmp"
mount --bind "$work/tmp" "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for path in ${ofThisMachine.join(' ')}; do
  [ "$fetches" = true ] && [ -e "$path" ] && [ -e "$root$path" ] || continue
  mount --bind "$path" "$root$path"
  mount -o remount,bind,ro "$root$path"
done
if [ "$access" = read ]; then mount -o remount,bind,ro "$root"; fi
exec chroot "$root" "$@"
`;

export interface Inside {
  readonly root: string;
  /** Whether the command may change the file system. */
  readonly access: 'read' | 'write';
  /** Whether it fetches something: then it sees how this machine does. */
  readonly fetches: boolean;
  /** Folder that is /mnt inside; its folder tmp, made if it is not there, is /tmp. */
  readonly work: string;
}

/** Command that runs another inside a root file system. */
export function within(
  { root, access, fetches, work }: Inside,
  command: readonly string[],
): readonly string[] {
  return isolated(['sh', '-c', enter, 'within', root, access, `${fetches}`, work, ...command]);
}
