/** Services of Docker: of a Compose file, of a stack file, and those that Pulumi makes. */
import type { Resource } from '../resource.ts';
import { at, type Fields, fieldsAt, isFields, listAt } from './fields.ts';
import { documentsOf } from './yaml.ts';

export interface DockerService {
  /** How it is called in a finding. */
  readonly at: string;
  readonly fields: Fields;
  /** The file that it stands in: Compose project or stack. */
  readonly file: Fields;
  /** Whether a swarm runs it: `docker stack deploy` reads the file. */
  readonly inSwarm: boolean;
}

const seen = new WeakMap<Resource, readonly DockerService[]>();

/** Of files that Docker Compose or `docker stack deploy` reads. */
export function fileServicesOf(resource: Resource): readonly DockerService[] {
  const known = seen.get(resource);
  if (known !== undefined) return known;
  const found = find(resource);
  seen.set(resource, found);
  return found;
}

function find({ type, props }: Resource): readonly DockerService[] {
  if (type !== 'hummingbot:index:File' || !/\.ya?ml$/u.test(String(props.path))) return [];
  return documentsOf(props.content).flatMap((file) => {
    if (!isFields(file)) return [];
    // A swarm's file names its version, which Compose has given up.
    const inSwarm = file.version !== undefined;
    const kind = inSwarm ? 'stack file' : 'Compose file';
    return Object.values(fieldsAt(file, 'services')).map((fields, index) => ({
      at: `${kind}, service ${index + 1}`,
      fields: fieldsAt([fields], 0),
      file,
      inSwarm,
    }));
  });
}

/** What a swarm's service runs. */
export function swarmContainerOf({ type, props }: Resource): Fields | undefined {
  if (type !== 'docker:index/service:Service') return undefined;
  const found = at(props, 'taskSpec', 'containerSpec');
  return isFields(found) ? found : undefined;
}

/** Labels of a Docker resource, as fields. */
export function labelsOf(resource: Resource): Fields {
  return Object.fromEntries(
    listAt(resource.props, 'labels').map((each) => [String(at(each, 'label')), at(each, 'value')]),
  );
}
