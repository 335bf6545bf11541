/** Where targets are listed: one line each. */
import { compose } from './compose.ts';
import type { Target } from './delivery.ts';
import { envFile } from './env-file.ts';

export const targets = {
  compose,
  'env-file': envFile,
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;
export const targetNames = Object.keys(targets) as readonly TargetName[];
