/** Config before validation: what a user can get wrong, and who is told of it. */
import { groupNames } from '../components/catalog.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import type { Mistake } from './mistake.ts';
import type { StackFile } from './stack-file.ts';

export interface RawSettings {
  readonly stack: string;
  /** Settings by name, as JSON values. Value maps hold plaintext: nothing of them is printed. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Undefined when config does not come from a file. */
  readonly stackFile: StackFile | undefined;
  /** Directory that relative output directories start from. */
  readonly projectDirectory: string;
  /** The user's kubeconfig; read only when a target delivers to a cluster. */
  readonly kubeconfig?: Kubeconfig;
}

/** Takes a mistake; checking goes on, so that a run reports all of them. */
export type Found = (mistake: Mistake) => void;

const scalarNames = [
  'environment',
  'protect',
  'placeholders',
  'image',
  'namespace',
  'prefix',
  'externalWithin',
  'outputDirectory',
  'gitopsDirectory',
  'sealedInto',
  'certificate',
  'certificateFingerprint',
  'handOver',
  'account',
  'region',
  'recoveryWindowDays',
  'alertTopic',
  'vaultAddress',
  'vaultId',
  'vaultMount',
  'vaultAuth',
  'cluster',
  'kubeContext',
  'issuer',
  'operator',
  'storageClass',
  'storageSize',
  'dockerHost',
  'dockerCertPath',
  'swarmId',
  'swarmNode',
  'swarmDeploy',
] as const;
export const listNames = ['targets', 'exchanges', 'services'] as const;
export const roleListNames = ['deployRoles', 'breakGlassRoles'] as const;
const otherListNames = ['recipients', 'administrators'] as const;
const mapNames = ['groups', 'readers', 'strategy', 'rotation'] as const;
export const settingNames: readonly string[] = [
  ...scalarNames,
  ...listNames,
  ...roleListNames,
  ...otherListNames,
  ...mapNames,
  ...groupNames,
];

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
