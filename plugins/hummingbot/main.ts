/** The local plugin's process: one Pulumi provider that hands each resource type to its noun. */
import { resolve } from 'node:path';
import { serve } from '../provider-server.ts';
import { getCluster } from './cluster.ts';
import { findDeletedSecrets } from './deleted-secrets.ts';
import { FileResource } from './file.ts';
import { Preflight } from './preflight.ts';
import { Rollout } from './rollout.ts';
import { Sync } from './sync.ts';

/** The project's folder; paths in the state are relative to it, so that a checkout can move. */
const projectDirectory = resolve(import.meta.dirname, '../..');

await serve(
  '0.1.0',
  {
    'hummingbot:index:File': new FileResource(projectDirectory),
    'hummingbot:index:Preflight': new Preflight(),
    'hummingbot:index:Rollout': new Rollout(),
    'hummingbot:index:Sync': new Sync(),
  },
  {
    invokes: {
      'hummingbot:index:getCluster': getCluster,
      'hummingbot:index:getDeletedSecrets': findDeletedSecrets,
    },
  },
);
