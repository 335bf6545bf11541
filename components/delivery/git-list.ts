/**
 * The list that a stack's folder for git is built by is one file, whichever target writes it. Pulumi
 * removes what left the program at the end of an update: after a move that would be the file that
 * the next target has written by then. So the list of each target is known as that of any other too.
 */
import * as pulumi from '@pulumi/pulumi';

/** Types of the components, and names of the list below them. */
const lists = {
  'sealed-secrets': { type: 'SealedFiles', list: 'sealed-secrets-kustomization' },
  sops: { type: 'SopsSecrets', list: 'sops-kustomization.yaml' },
} as const;

/** What the list of a target may have been before the stack moved to it. */
export function listAliases(target: string): pulumi.Alias[] {
  return Object.entries(lists)
    .filter(([name]) => name !== target)
    .map(([name, { type, list }]) => ({
      name: list,
      parent: pulumi.createUrn(name, `hummingbot-secrets:delivery:${type}`),
    }));
}
