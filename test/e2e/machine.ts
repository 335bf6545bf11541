/**
 * What a rehearsal could leave on a machine, for a comparison before and after. Other rehearsals
 * may run beside it: their interfaces are not looked at, and processes count by their checkout.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const entries = (path: string): readonly string[] => {
  try {
    return readdirSync(path).map((name) => join(path, name));
  } catch {
    return [];
  }
};

/** Mounts, named network namespaces, and what lies in the folders of servers. */
export function machineState(): readonly string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const folders = ['/run', '/run/netns', '/run/containerd', '/run/docker', '/etc/cni/net.d'];
  const more = ['/var/lib', '/var/lib/kubelet', '/var/lib/cni', '/var/log', '/var/log/pods'];
  return [
    ...mounts.map((line) => `mount ${line.split(' ').slice(0, 3).join(' ')}`),
    ...[...folders, ...more].flatMap(entries),
    ...entries('/sys/class/net').filter((path) => !/\/rehearsal-/u.test(path)),
  ].toSorted();
}

/** Processes that have to do with a folder: by arguments, environment, directory, program or mounts. */
export function processesOf(folder: string): readonly string[] {
  const text = (path: string): string => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return ''; // Ended meanwhile.
    }
  };
  const link = (path: string): string => {
    try {
      return readlinkSync(path);
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const of = (name: string): string => join('/proc', pid, name);
      const texts = ['cmdline', 'environ', 'mountinfo'].map((name) => text(of(name)));
      const links = ['cwd', 'exe', 'root'].map((name) => link(of(name)));
      const found = [...texts, ...links].some((each) => each.includes(folder));
      return found ? [`${pid} ${texts[0]?.replaceAll('\0', ' ').slice(0, 120)}`] : [];
    });
}

/** Ends by its own health check within five minutes, or has ended (docs/decisions/0006-end-with-the-engine.md). */
export function isLanguageHost(pid: number): boolean {
  try {
    return /pulumi-language-nodejs\0/u.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return true; // One that has ended meanwhile is nobody who is left.
  }
}

/** What a killed run has left of itself, but what ends by itself. */
export function orphansOf(folder: string): readonly string[] {
  return processesOf(folder).filter((line) => !isLanguageHost(Number(line.split(' ')[0])));
}
