/** Custom resource definitions of an operator. */
import { readFileSync } from 'node:fs';
import { type Access, apply, eventually } from './kubernetes-client.ts';

type Definition = InstanceType<Access['library']['V1CustomResourceDefinition']>;

/** Installs them, and waits until the API serves them. @param path of their YAML */
export async function installDefinitions(access: Access, path: string): Promise<void> {
  // The client's own reader, because its writer leaves out what it does not know by its own names.
  const read = access.library.loadAllYaml(readFileSync(path, 'utf8')) as Definition[];
  const definitions = read
    .filter((each) => each?.spec !== undefined)
    // Without a webhook: one version of each is served, and nothing is converted.
    .map((each) => ({ ...each, spec: { ...each.spec, conversion: { strategy: 'None' } } }));
  await apply(access, definitions);
  const extensions = access.config.makeApiClient(access.library.ApiextensionsV1Api);
  await eventually(60, async () => {
    const { items } = await extensions.listCustomResourceDefinition();
    const established = items.filter(({ status }) =>
      status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True'),
    );
    const names = new Set(established.map(({ metadata }) => metadata?.name));
    return definitions.every(({ metadata }) => names.has(metadata?.name));
  });
}
