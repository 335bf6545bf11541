/**
 * The cgroups of a node's containers: the one thing of theirs that no namespace holds. containerd's
 * CRI plugin puts them into `/k8s.io/<id>` of every hierarchy; runc removes them with the container,
 * unless it was killed together with everything else.
 */
import { existsSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';
const parent = 'k8s.io';
/** Where containerd keeps a folder for each container and each sandbox that it has made. */
const kinds = ['containers', 'sandboxes'].map((kind) =>
  join('containerd', 'io.containerd.grpc.v1.cri', kind),
);

const entries = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

/** Of cgroup v2 one, of v1 one a controller. */
function parents(): readonly string[] {
  const paths = [root, ...entries(root).map((controller) => join(root, controller))];
  return paths.map((path) => join(path, parent)).filter((path) => existsSync(path));
}

/** @returns those that are left of a rehearsal's containers */
export function cgroupsOf(folder: string): readonly string[] {
  const ids = kinds.flatMap((kind) => entries(join(folder, kind)));
  return parents()
    .flatMap((path) => ids.map((id) => join(path, id)))
    .filter((path) => existsSync(path));
}

/** @returns whether all are gone; some are busy until the kernel has buried their processes */
export function removeCgroups(folder: string): boolean {
  for (const path of cgroupsOf(folder)) remove(path);
  const gone = cgroupsOf(folder).length === 0;
  // Of nobody, when no other rehearsal has a container.
  if (gone) for (const path of parents()) remove(path, { below: false });
  return gone;
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
