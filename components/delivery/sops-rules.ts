/** What target `sops` is to settings and doctor, which write nothing. No value comes here. */
import { lookAtDocument } from '../../plugins/hummingbot/sops-rules.ts';
import { groups as catalogGroups } from '../catalog.ts';
import { tagAnnotation } from '../labels.ts';
import type { GitTarget } from './delivery.ts';

/** Not `secrets`: many a .gitignore, ours too, leaves that out. */
export const folder = 'encrypted';

/** Of a group's document, below the stack's folder. */
export function pathOf(group: string): string {
  const found = Object.entries(catalogGroups).find(([name]) => name === group);
  if (found === undefined) throw new Error(`group ${group} is not in the catalog`);
  return `${folder}/${found[1].secretName}.yaml`;
}

export const sopsRules: Omit<GitTarget, 'deliver'> = {
  kind: 'git',
  needs: ['sops'],
  encryptsFor: 'recipients',
  valuePaths: () => [],
  claims: ['the namespace'],
  refuses: (value) => (value.includes('\0') ? 'a NUL byte' : undefined),
  manifest: (group) => ({
    path: pathOf(group),
    look: (text) => lookAtDocument(text, tagAnnotation),
  }),
};
