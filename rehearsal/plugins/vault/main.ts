/**
 * Rehearsal plugin for `vault`: used only where the official one cannot be had. It makes the types
 * that the program uses and refuses all others. README.md beside it lists what is the same as in
 * the official provider and what is not.
 */
import { serve } from '../../../plugins/provider-server.ts';
import { AuthBackendRole } from './auth-backend-role.ts';
import { Policy } from './policy.ts';
import { SecretV2 } from './secret-v2.ts';
import { VaultServer } from './server.ts';

const server = new VaultServer();

await serve(
  '7.8.0',
  {
    'vault:index/policy:Policy': new Policy(server),
    'vault:kubernetes/authBackendRole:AuthBackendRole': new AuthBackendRole(server),
    'vault:kv/secretV2:SecretV2': new SecretV2(server),
  },
  { configuration: server },
);
