import { ClusterTarget } from './cluster-target.ts';
import { conforms } from './suite.ts';

conforms(
  new ClusterTarget({
    name: 'sealed-secrets',
    owner: { backWithinSeconds: 30 },
    stored: async ({ access, namespace }) => {
      const api = access.config.makeApiClient(access.library.CustomObjectsApi);
      const kind = { group: 'bitnami.com', version: 'v1alpha1', plural: 'sealedsecrets' };
      const { items } = (await api.listNamespacedCustomObject({ ...kind, namespace })) as {
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      };
      return items.map(
        ({ metadata: { name } }) => `Sealed ${name.replace(/-[0-9a-f]{8}$/u, '-*')}`,
      );
    },
  }),
);
