/** `terraform apply` of the part of a graph that its provider for Kubernetes 1.13.4 knows. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { goTool } from '../../operations/engine/go.ts';
import { terraformKubernetes } from '../../rehearsal/tools/tools.ts';
import { timed } from './timed.ts';

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [member: string]: unknown };
  readonly [member: string]: unknown;
}

/**
 * Kinds that both can do by themselves. Not ServiceAccount: 1.13.4 awaits a token Secret that
 * Kubernetes >= 1.24 does not make; not the claim and the Deployment, which await what it has no
 * type for.
 */
export const terraformKinds = [
  ...['Namespace', 'ResourceQuota', 'LimitRange', 'NetworkPolicy'],
  ...['ConfigMap', 'Role', 'RoleBinding'],
] as const;

/** Lists that the provider calls by the word for one. */
const blocks: Readonly<Record<string, string>> = { rules: 'rule', subjects: 'subject' };
/** Maps whose keys are data. */
const plainMaps = new Set([
  ...['labels', 'annotations', 'data', 'hard', 'matchLabels'],
  ...['default', 'defaultRequest', 'max', 'min'],
]);

/** Whether terraform is on PATH. */
export function hasTerraform(): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((each) => existsSync(join(each, 'terraform')));
}

/** The arguments of a manifest's resource, as terraform's JSON has them. */
export function argumentsOf({ kind, metadata, ...rest }: Manifest): Record<string, unknown> {
  const { apiVersion: _, type: __, ...body } = rest;
  const all = kind === 'Namespace' ? { metadata } : { metadata, ...body };
  return literal(snake(all, kind)) as Record<string, unknown>;
}

/** Text that terraform would take for a template, said twice, is text. */
function literal(node: unknown): unknown {
  return JSON.parse(JSON.stringify(node), (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll(/[$%](?=\{)/gu, '$&$&') : value,
  );
}

function snake(node: unknown, kind: string): unknown {
  if (Array.isArray(node)) return node.map((each) => snake(each, kind));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).flatMap(([name, value]) => {
      if (value === undefined) return [];
      const renamed = kind === 'LimitRange' && name === 'limits' ? 'limit' : (blocks[name] ?? name);
      const key = renamed.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
      if (plainMaps.has(name)) return [[key, value]];
      // A port is a number or a name: text here.
      if (name === 'port') return [[key, String(value)]];
      return [[key, snake(value, kind)]];
    }),
  );
}

/** Text of main.tf.json; the namespace goes first and last. */
export function configurationOf(manifests: readonly Manifest[], kubeconfig: string): string {
  const resource: Record<string, Record<string, unknown>> = {};
  const namespace = manifests.find(({ kind }) => kind === 'Namespace');
  const first = `kubernetes_namespace.${labelOf(namespace)}`;
  for (const manifest of manifests) {
    const type = `kubernetes${manifest.kind.replaceAll(/[A-Z]/gu, (each) => `_${each.toLowerCase()}`)}`;
    const after = manifest === namespace || namespace === undefined ? {} : { depends_on: [first] };
    resource[type] = {
      ...resource[type],
      [labelOf(manifest)]: { ...argumentsOf(manifest), ...after },
    };
  }
  return JSON.stringify({
    terraform: { required_providers: { kubernetes: { source: 'hashicorp/kubernetes' } } },
    provider: { kubernetes: { config_path: kubeconfig } },
    ...(manifests.length > 0 && { resource }),
  });
}

function labelOf(manifest: Manifest | undefined): string {
  return `x-${manifest?.metadata.name.replaceAll(/[^\w-]/gu, '-')}`;
}

/** A folder with a configuration and its state. */
export class Terraform {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Builds the provider unless it is cached. */
  static async open(folder: string, env: NodeJS.ProcessEnv): Promise<Terraform> {
    const binary = await goTool(terraformKubernetes);
    mkdirSync(folder, { recursive: true });
    const config = join(folder, 'terraform.rc');
    const overrides = `dev_overrides { "hashicorp/kubernetes" = "${dirname(binary)}" }`;
    writeFileSync(config, `provider_installation {\n  ${overrides}\n}\n`);
    return new Terraform(folder, { ...env, TF_CLI_CONFIG_FILE: config, CHECKPOINT_DISABLE: '1' });
  }

  write(manifests: readonly Manifest[], kubeconfig: string): void {
    writeFileSync(join(this.#folder, 'main.tf.json'), configurationOf(manifests, kubeconfig));
  }

  /** @returns seconds */
  async apply(): Promise<number> {
    return await this.#run('apply');
  }

  async destroy(): Promise<void> {
    await this.#run('destroy');
    rmSync(join(this.#folder, 'terraform.tfstate'), { force: true });
  }

  async #run(command: 'apply' | 'destroy'): Promise<number> {
    const args = [command, '-auto-approve', '-no-color', '-input=false'];
    return await timed('terraform', args, { cwd: this.#folder, env: this.#env });
  }
}
