/**
 * `pulumi.com/waitFor`: `condition=Ready`, `condition=Ready=False`, `jsonpath={.status.phase}=Ok`
 * (provider/pkg/await/condition/{custom,jsonpath}.go).
 */
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import { oneLine } from '../../../plugins/kubernetes-api.ts';
import { isObject, PluginError } from '../../../plugins/provider-server.ts';

export interface Verdict {
  readonly isMet: boolean;
  /** What is seen instead. */
  readonly text: string;
}

interface StatusCondition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

/** @throws PluginError when the expression is neither form */
export function judge(object: KubernetesObject, expression: string): Verdict {
  if (expression.startsWith('condition=')) return judgeCondition(object, expression.slice(10));
  if (expression.startsWith('jsonpath=')) return judgePath(object, expression.slice(9));
  throw new PluginError(
    `pulumi.com/waitFor: got ${JSON.stringify(expression)}; allowed: condition=TYPE, ` +
      'condition=TYPE=STATUS, jsonpath={.PATH} or jsonpath={.PATH}=VALUE',
  );
}

function judgeCondition(object: KubernetesObject, expression: string): Verdict {
  const [type, status = 'True'] = expression.split(/=(.*)/su);
  const conditions = (object.status as { conditions?: StatusCondition[] } | undefined)?.conditions;
  const found = conditions?.find((condition) => condition.type === type);
  if (found === undefined) return { isMet: false, text: `no condition ${type} yet` };
  const { observedGeneration = Number.MAX_SAFE_INTEGER } = found;
  const isCurrent = observedGeneration >= (object.metadata?.generation ?? 0);
  const words = quotesStores(object) ? '' : found.message;
  const said = [found.reason, words].map(oneLine).filter((each) => each !== '');
  const text = [`condition ${type} is ${found.status}`, ...said].join(': ');
  return { isMet: isCurrent && found.status?.toLowerCase() === status.toLowerCase(), text };
}

/** What the External Secrets Operator says of a store is the store's own words, with all they quote. */
function quotesStores({ apiVersion = '' }: KubernetesObject): boolean {
  return apiVersion.startsWith('external-secrets.io/');
}

/** Paths of names and indices only, as `{.status.list[0].phase}`. */
function judgePath(object: KubernetesObject, expression: string): Verdict {
  const parts = /^\{?\.?((?:[\w-]+|\[\d+\]|\.|\\.)+)\}?(?:=(.+))?$/su.exec(expression);
  if (parts === null) {
    throw new PluginError(
      `pulumi.com/waitFor: got jsonpath ${JSON.stringify(expression)}; ` +
        'allowed: a path of names and indices, such as jsonpath={.status.phase}=Bound',
    );
  }
  const [, path = '', wanted] = parts;
  let found: unknown = object;
  for (const [, name, index] of path.matchAll(/((?:[\w-]|\\.)+)|\[(\d+)\]/gu)) {
    if (index !== undefined) found = Array.isArray(found) ? found[Number(index)] : undefined;
    else found = isObject(found) ? found[(name ?? '').replaceAll('\\', '')] : undefined;
  }
  const isMet = wanted === undefined ? found !== undefined : String(found) === wanted;
  return { isMet, text: found === undefined ? `no ${path} yet` : `${path} is another` };
}
