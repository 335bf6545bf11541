/** The provider's own inputs (`CheckConfig`, `DiffConfig`, `Configure` of provider.go). */
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { KubernetesApi } from '../../../plugins/kubernetes-api.ts';
import {
  type CheckResult,
  type DiffResult,
  failure,
  fromJson,
  isObject,
  isUnknown,
  PluginError,
  type Properties,
  type ProviderConfiguration,
} from '../../../plugins/provider-server.ts';

/** Inputs that are taken; any other that is set is refused. */
const known = [
  'kubeconfig',
  'context',
  'namespace',
  'clusterIdentifier',
  'enableServerSideApply',
  'enableSecretMutable',
  'renderYamlToDirectory',
  'version',
];

export class KubernetesProvider implements ProviderConfiguration {
  /** Namespace of what names none. */
  namespace = 'default';
  /** Whether `namespace` was said. */
  hasNamespace = false;
  secretsAreMutable = false;
  /** Directory to write YAML files to instead of talking to a server. */
  renderTo: string | undefined;
  #connect: () => Promise<KubernetesApi> = async () => {
    throw new PluginError('kubernetes: not configured yet');
  };
  #api: Promise<KubernetesApi> | undefined;

  async checkConfig(news: Properties): Promise<CheckResult> {
    const set = Object.entries(news).filter(([, value]) => value !== undefined && value !== null);
    const failures = set
      .filter(([name]) => !known.includes(name) && !name.startsWith('__'))
      .map(([name]) => failure(name, `not in the rehearsal plugin; allowed: ${known.join(', ')}`));
    if (fromJson(news.enableServerSideApply) === false) {
      failures.push(failure('enableServerSideApply', 'got false; allowed: true'));
    }
    if (news.renderYamlToDirectory) {
      for (const name of ['context', 'kubeconfig'].filter((each) => news[each])) {
        failures.push(failure(name, 'is not compatible with renderYamlToDirectory'));
      }
    }
    return { inputs: news, failures };
  }

  /**
   * Another cluster or another directory replaces every object; other credentials do not. Where
   * a `clusterIdentifier` is set it alone says which cluster it is; setting it first replaces
   * nothing.
   */
  async diffConfig(olds: Properties, news: Properties): Promise<DiffResult> {
    const names = new Set([...Object.keys(olds), ...Object.keys(news)]);
    const diffs = [...names].filter((name) => !isDeepStrictEqual(olds[name], news[name]));
    const [identifier, former] = [textOf(news.clusterIdentifier), textOf(olds.clusterIdentifier)];
    if (identifier !== undefined && identifier === former) {
      return { changes: diffs.length > 0, diffs, replaces: [] };
    }
    const unknown = ['kubeconfig', 'context'].filter((name) => isUnknown(news[name]));
    if (unknown.length > 0) return { changes: true, diffs: unknown, replaces: unknown };
    const [before, after] = [clusterOf(olds), clusterOf(news)];
    const moved = before !== undefined && after !== undefined && !isDeepStrictEqual(before, after);
    const renamed = identifier !== undefined && former !== undefined;
    const replacing = [
      'renderYamlToDirectory',
      ...(renamed ? ['clusterIdentifier'] : []),
      ...(moved ? ['kubeconfig', 'context'] : []),
    ];
    return {
      changes: diffs.length > 0,
      diffs,
      replaces: diffs.filter((name) => replacing.includes(name)),
    };
  }

  async configure(inputs: Properties): Promise<void> {
    const { kubeconfig, context, namespace, renderYamlToDirectory } = inputs;
    this.hasNamespace = typeof namespace === 'string' && namespace !== '';
    if (this.hasNamespace) this.namespace = String(namespace);
    this.secretsAreMutable = fromJson(inputs.enableSecretMutable) === true;
    this.renderTo = textOf(renderYamlToDirectory);
    this.#api = undefined;
    this.#connect = async () => {
      const from = textOf(kubeconfig);
      if (from === undefined) {
        throw new PluginError(
          'kubernetes: kubeconfig: got nothing; allowed: contents of a kubeconfig, or its path; ' +
            'fix: give the provider its kubeconfig',
        );
      }
      return await KubernetesApi.connect(from, textOf(context));
    };
  }

  /** One connection a plugin, made when it is first needed. */
  async api(): Promise<KubernetesApi> {
    this.#api ??= this.#connect();
    return await this.#api;
  }
}

/** The cluster that a kubeconfig leads to, as it describes it; undefined when it names none. */
function clusterOf({ kubeconfig, context }: Properties): unknown {
  let config: unknown;
  try {
    config = parse(String(kubeconfig ?? ''));
  } catch {
    return undefined;
  }
  if (!isObject(config)) return undefined;
  const named = (list: unknown, name: unknown): Properties | undefined =>
    Array.isArray(list) ? list.find((each) => isObject(each) && each.name === name) : undefined;
  const current = named(config.contexts, context ?? config['current-context'])?.context;
  return named(config.clusters, isObject(current) ? current.cluster : undefined)?.cluster;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
