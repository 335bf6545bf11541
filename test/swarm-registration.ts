/** Two groups, their secrets and the bot of a swarm, registered under Pulumi's mocks. */
import { Secret } from '@pulumi/docker/secret.js';
import * as pulumi from '@pulumi/pulumi';
import { entryOf, keysOf, type SecretKey } from '../components/catalog.ts';
import { SwarmService } from '../components/consumers/swarm-service.ts';
import { SwarmSecrets } from '../components/delivery/swarm.ts';
import type { Strategy } from '../components/strategy.ts';
import type { SwarmManager } from '../components/systems.ts';
import { SecretGroup } from '../components/values.ts';
import { Recorder } from './recorder.ts';

export interface SwarmRegistration {
  readonly values: ReadonlyMap<SecretKey, string>;
  readonly node: string;
  /** Goes into tag key and suffixes. */
  readonly seed?: string;
  readonly strategy?: Strategy;
  readonly image?: string;
  readonly deploy?: SwarmManager['deploy'];
}

export async function registerSwarm(given: SwarmRegistration): Promise<Recorder> {
  const { seed = 'seed', image = 'hummingbot/hummingbot:version-2.16.0' } = given;
  const { node, strategy, deploy = 'pulumi' } = given;
  const recorder = new Recorder(seed);
  recorder.install('hummingbot-secrets', 'dev', false);
  const tagKey = pulumi.secret(`key of ${seed}`);
  const groups = (['trading', 'monitoring'] as const).map((name) => {
    const entries = new Map(keysOf(name).map((key) => [key as string, entryOf(key)]));
    const known = [...given.values].filter(([key]) => entries.has(key));
    const values = new Map(known.map(([key, value]) => [key as string, pulumi.secret(value)]));
    return new SecretGroup(name, { entries, values, placeholders: false, tagKey });
  });
  const manager: SwarmManager = {
    id: 'swarmswarmswarmswarmswarm',
    host: 'unix:///var/run/docker.sock',
    certPath: '',
    node,
    service: 'hummingbot-dev',
    deploy,
  };
  const stackFile = 'out/dev/stack.yaml';
  const delivery = new SwarmSecrets(
    'swarm',
    { stack: 'dev', groups, manager, stackFile },
    (...args) => new Secret(...args),
  );
  const bot = { delivery, manager, image, strategy, root: 'out', stack: 'dev' };
  new SwarmService('hummingbot', bot);
  // Registrations come one after another; done is when none has come for a while.
  for (let seen = 0; seen === 0 || seen !== recorder.registrations.length; ) {
    seen = recorder.registrations.length;
    await new Promise((settle) => setTimeout(settle, 50));
  }
  return recorder;
}
