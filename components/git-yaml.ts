/** YAML that git keeps and that kubectl, Kustomize and controllers read. No value comes here. */
import { stringify } from 'yaml';

/** A comment in front of each file. */
export const header =
  '# Written by npm start (pulumi up); changes are overwritten. It holds no value.\n';

/**
 * The same text for the same document. They read YAML 1.1, where a namespace `on` without quotes is
 * a flag: what either version would read as something else than text stands in quotes.
 */
export function gitYaml(document: object): string {
  const text = stringify(document, {
    lineWidth: 0,
    compat: 'yaml-1.1',
    aliasDuplicateObjects: false,
  });
  return header + text;
}

/** A list that Kustomize builds by. */
export function kustomization(parts: {
  readonly resources: readonly string[];
  readonly generators?: readonly string[];
}): string {
  const kind = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
  return gitYaml({ ...kind, ...parts });
}
