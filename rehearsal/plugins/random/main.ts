/**
 * Rehearsal plugin for `random`: used only where the official one cannot be had. It makes the two
 * types that the program uses and refuses all others. README.md beside it lists what is the same
 * as in the official provider and what is not proven.
 */
import { serve } from '../../../plugins/provider-server.ts';
import { RandomId } from './random-id.ts';
import { RandomPassword } from './random-password.ts';

await serve('4.21.2', {
  'random:index/randomPassword:RandomPassword': new RandomPassword(),
  'random:index/randomId:RandomId': new RandomId(),
});
