/**
 * The cgroups of containers: the one thing of theirs that no namespace holds. containerd's CRI plugin
 * puts them into `/k8s.io/<id>` of every hierarchy, Docker into `/docker/<id>`; runc removes them with
 * the container, unless it was killed together with everything else.
 */
import { existsSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';
const cri = join('containerd', 'io.containerd.grpc.v1.cri');
/** Parents, with the folders that hold one entry for each container, by its id. */
const kinds = {
  'k8s.io': [join(cri, 'containers'), join(cri, 'sandboxes')],
  docker: [join('docker', 'containers')],
} as const;

const entries = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

/** Of cgroup v2 one, of v1 one a controller. */
function parents(name: string): readonly string[] {
  const paths = [root, ...entries(root).map((controller) => join(root, controller))];
  return paths.map((path) => join(path, name)).filter((path) => existsSync(path));
}

/** @returns those that are left of a rehearsal's containers */
export function cgroupsOf(folder: string): readonly string[] {
  return Object.entries(kinds).flatMap(([name, folders]) => {
    const ids = folders.flatMap((each) => entries(join(folder, each)));
    const paths = parents(name).flatMap((path) => ids.map((id) => join(path, id)));
    return paths.filter((path) => existsSync(path));
  });
}

/** @returns whether all are gone; some are busy until the kernel has buried their processes */
export function removeCgroups(folder: string): boolean {
  for (const path of cgroupsOf(folder)) remove(path);
  if (cgroupsOf(folder).length > 0) return false;
  // Nobody's, when no other engine has a container.
  const used = Object.entries(kinds).filter(([, folders]) =>
    folders.some((each) => existsSync(join(folder, each))),
  );
  for (const [name] of used) for (const path of parents(name)) remove(path, { below: false });
  return true;
}

function remove(path: string, { below = true } = {}): void {
  if (below) {
    for (const child of entries(path).map((name) => join(path, name))) {
      if (statSync(child, { throwIfNoEntry: false })?.isDirectory()) remove(child);
    }
  }
  try {
    rmdirSync(path);
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw error;
    }
  }
}
