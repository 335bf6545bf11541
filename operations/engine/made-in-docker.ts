/**
 * Ids of what a killed run may have made in a swarm, where the id is the engine's own: looked for by
 * name. Names of secrets and configs have a random part that nobody else's has; a service is ours when
 * it carries a tag (docs/decisions/0014-what-a-killed-run-made.md).
 */
import { DockerApi, type DockerHost, filters } from '../../plugins/docker-api.ts';
import { PluginError } from '../../plugins/resource-handler.ts';
import type { Deployment, Stored } from './adoption.ts';

const paths: Readonly<Record<string, string>> = {
  'docker:index/secret:Secret': '/secrets',
  'docker:index/serviceConfig:ServiceConfig': '/configs',
  'docker:index/service:Service': '/services',
};

interface Found {
  readonly ID?: string;
  readonly Spec?: {
    readonly Name?: string;
    readonly TaskTemplate?: {
      readonly ContainerSpec?: { readonly Labels?: Readonly<Record<string, string>> };
    };
  };
}

/** Whether things of a type are looked for here. */
export function isInDocker(type: string | undefined): boolean {
  return type !== undefined && Object.hasOwn(paths, type);
}

/**
 * The id of a thing that a killed run was making.
 * @returns undefined also where the engine does not answer, after a line that names it
 */
export async function idInDocker(
  { urn, type = '', inputs = {}, provider }: Stored,
  state: Deployment,
): Promise<string | undefined> {
  const { name } = inputs;
  const place = placeOf(provider, state);
  if (typeof name !== 'string' || place === undefined) return undefined;
  try {
    const query = filters({ name: [name] });
    const all = (await new DockerApi(place).list(paths[type] ?? '', { query })) as readonly Found[];
    // The filter takes parts of a name too.
    const found = all.find(({ Spec }) => Spec?.Name === name);
    return found !== undefined && isOurs(type, found) ? found.ID : undefined;
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    console.error(
      `- ${type.split(':').at(-1)} ${urn.split('::').at(-1)}: ${error.message} when it was looked for; ` +
        'allowed: a Docker host that answers; fix: see that it does, and run again',
    );
    return undefined;
  }
}

function isOurs(type: string, { Spec }: Found): boolean {
  if (paths[type] !== '/services') return true;
  const labels = Object.keys(Spec?.TaskTemplate?.ContainerSpec?.Labels ?? {});
  return labels.some((label) => label.startsWith('hummingbot-secrets.'));
}

/** Where the resource's provider works, as the state has it: `<URN>::<id>`. */
function placeOf(provider: unknown, { deployment }: Deployment): DockerHost | undefined {
  const urn = String(provider).split('::').slice(0, -1).join('::');
  const inputs = deployment.resources?.find((each) => each.urn === urn)?.inputs;
  const { host, certPath } = inputs ?? {};
  if (typeof host !== 'string') return undefined;
  return { host, ...(typeof certPath === 'string' && { certPath }) };
}
