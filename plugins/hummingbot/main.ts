/** The local plugin's process: one Pulumi provider that hands each resource type to its noun. */
import { resolve } from 'node:path';
import { serve } from '../provider-server.ts';
import { getCertificate } from './certificate.ts';
import { getCluster } from './cluster.ts';
import { Convergence } from './convergence.ts';
import { findDeletedSecrets } from './deleted-secrets.ts';
import { FileResource } from './file.ts';
import { GitFileResource } from './git-file.ts';
import { InstalledKubeseal } from './kubeseal.ts';
import { Preflight } from './preflight.ts';
import { Rollout } from './rollout.ts';
import { SealedData } from './sealed-data.ts';
import { SecretRemoval } from './secret-removal.ts';
import { InstalledSops } from './sops.ts';
import { SopsDocument } from './sops-document.ts';
import { getSwarm } from './swarm.ts';
import { Sync } from './sync.ts';
import { Unsealed } from './unsealed.ts';
import { getKvTurn, getVault } from './vault.ts';

/** The project's folder; paths in the state are relative to it, so that a checkout can move. */
const projectDirectory = resolve(import.meta.dirname, '../..');
const sops = new InstalledSops();
const kubeseal = new InstalledKubeseal();

await serve(
  '0.1.0',
  {
    'hummingbot:index:Convergence': new Convergence(),
    'hummingbot:index:File': new FileResource(projectDirectory),
    'hummingbot:index:GitFile': new GitFileResource(projectDirectory),
    'hummingbot:index:Preflight': new Preflight(),
    'hummingbot:index:Rollout': new Rollout(),
    'hummingbot:index:SealedData': new SealedData(kubeseal),
    'hummingbot:index:SecretRemoval': new SecretRemoval(),
    'hummingbot:index:SopsDocument': new SopsDocument(projectDirectory, sops),
    'hummingbot:index:Sync': new Sync(),
    'hummingbot:index:Unsealed': new Unsealed(),
  },
  {
    invokes: {
      'hummingbot:index:getCertificate': async (args, call) =>
        await getCertificate(projectDirectory, args, call),
      'hummingbot:index:getCluster': getCluster,
      'hummingbot:index:getDeletedSecrets': findDeletedSecrets,
      'hummingbot:index:getKubeseal': async () => ({ version: await kubeseal.version() }),
      'hummingbot:index:getKvTurn': getKvTurn,
      'hummingbot:index:getSops': async () => ({ version: await sops.version() }),
      'hummingbot:index:getSwarm': getSwarm,
      'hummingbot:index:getVault': getVault,
    },
  },
);
