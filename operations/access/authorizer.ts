/**
 * Who authorises in a cluster beside RBAC's bindings, as far as a kubeconfig gives its provider away. Such
 * principals stand in no binding, so that nobody is asked about them.
 */
import { parse } from 'yaml';

interface Provider {
  readonly name: string;
  /** Host of the API server. */
  readonly host: RegExp;
  /** Program that gets the credentials, with its words. */
  readonly program: RegExp;
  readonly grants: string;
  /** What lists them. */
  readonly fix: string;
}

const providers: readonly Provider[] = [
  {
    name: 'EKS',
    host: /\.eks\.amazonaws\.com(?:\.cn)?$/u,
    program: /(?:^|\/)aws(?:-iam-authenticator)?(?:\.exe)?(?: |$)/u,
    grants: 'access entries of EKS',
    fix: 'aws eks list-access-entries',
  },
  {
    name: 'GKE',
    host: /\.gke\.goog$/u,
    program: /(?:^|\/)gke-gcloud-auth-plugin(?:\.exe)?(?: |$)/u,
    grants: 'IAM roles of Google Cloud',
    fix: 'gcloud projects get-iam-policy',
  },
  {
    name: 'AKS',
    host: /\.azmk8s\.io$/u,
    program: /(?:^|\/)kubelogin(?:\.exe)? .*--server-id/u,
    grants: 'role assignments of Azure',
    fix: 'az role assignment list',
  },
];

/** @param kubeconfig of one context */
export function beyondBindings(kubeconfig: string): string {
  const { clusters, users } = (parse(kubeconfig) ?? {}) as {
    clusters?: readonly { readonly cluster?: { readonly server?: unknown } }[];
    users?: readonly {
      readonly user?: { readonly exec?: { readonly command?: unknown; readonly args?: unknown } };
    }[];
  };
  const { server } = clusters?.[0]?.cluster ?? {};
  const { command = '', args = [] } = users?.[0]?.user?.exec ?? {};
  const host = URL.parse(String(server))?.hostname ?? '';
  const words = [command, ...(Array.isArray(args) ? args : [])].map(String).join(' ');
  const provider = providers.find((each) => each.host.test(host) || each.program.test(words));
  const who =
    provider === undefined
      ? 'whom an authorizer beside RBAC lets in (a webhook, a cloud)'
      : `whom ${provider.grants} let in: ${provider.fix} says`;
  return `Kubernetes: ${who}; no binding names them, so nobody was asked about them`;
}
