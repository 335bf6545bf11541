/**
 * Rehearsal plugin for `kubernetes`: used only where the official one cannot be had. It makes the
 * types that the program uses and refuses all others. README.md beside it lists what is the same
 * as in the official provider and what is not.
 */
import { serve } from '../../../plugins/provider-server.ts';
import { kinds } from './kinds.ts';
import { KubernetesResource } from './kubernetes-resource.ts';
import { KubernetesProvider } from './provider.ts';

const configuration = new KubernetesProvider();
const resources = Object.entries(kinds).map(
  ([type, kind]) => [type, new KubernetesResource(kind, configuration)] as const,
);

await serve('4.34.2', Object.fromEntries(resources), { configuration });
