/** Controls of a stack on Docker, and of what is made for every stack. */
import { inYaml, replaced, set, without } from './edits.ts';
import { type Mutant, ofResource } from './mutant.ts';

const service = ['services', 'hummingbot'] as const;
const file = 'hummingbot:index:File';
const value = 'canary-value-of-nobody-0123456789';

const files = [
  ...ofResource(
    'dev',
    file,
    'compose-binance_api_key',
    ['mode of a value’s file', set(['mode'], '0444'), 'closed-files'],
    [
      'a place of the own environment',
      set(['path'], 'prod/secrets/trading/binance_api_key'),
      'own-environment',
    ],
  ),
  ...ofResource('dev', file, 'env-file-env-secrets', [
    'mode of the env file',
    set(['mode'], '0640'),
    'closed-files',
  ]),
  ...ofResource('dev', file, 'hummingbot-conf', [
    'mode of the bot’s files',
    set(['mode'], '0755'),
    'closed-files',
  ]),
];

const compose = ofResource(
  'dev',
  file,
  'hummingbot-compose-file',
  [
    'capabilities are dropped, Compose',
    inYaml(without(...service, 'cap_drop')),
    'confined-service',
  ],
  ['no new rights, Compose', inYaml(without(...service, 'security_opt')), 'confined-service'],
  ['not privileged', inYaml(set([...service, 'privileged'], true)), 'confined-service'],
  ['no network of the host', inYaml(set([...service, 'network_mode'], 'host')), 'confined-service'],
  [
    'time to cancel orders, Compose',
    inYaml(without(...service, 'stop_grace_period')),
    'time-to-stop',
  ],
  [
    'the image’s version, Compose',
    inYaml(set([...service, 'image'], 'hummingbot/hummingbot:latest')),
    'pinned-image',
  ],
  ['one bot for both files', inYaml(set(['name'], 'another')), 'one-bot'],
  ['one replica, Compose', inYaml(set([...service, 'deploy'], { replicas: 2 })), 'one-bot'],
  [
    'keys by path, Compose',
    inYaml(set([...service, 'environment', 'KRAKEN_API_KEY'], value)),
    'secret-by-reference',
  ],
  ['mode of the Compose file', set(['mode'], '0644'), 'closed-files'],
);

const interpolated = ofResource('dev', file, 'hummingbot-env-file-file', [
  'keys by interpolation',
  inYaml(set([...service, 'environment', 'KRAKEN_API_KEY'], value)),
  'secret-by-reference',
]);

const swarm = 'example Pulumi.swarm.yaml';
const spec = ['taskSpec', 'containerSpec'] as const;
const services = ofResource(
  swarm,
  'docker:index/service:Service',
  undefined,
  ['stop first', set(['updateConfig', 'order'], 'start-first'), 'one-bot'],
  ['one replica, swarm', set(['mode', 'replicated', 'replicas'], 2), 'one-bot'],
  ['capabilities are dropped, swarm', without(...spec, 'capDrops'), 'confined-service'],
  ['mode of the secrets, swarm', set([...spec, 'secrets', 0, 'fileMode'], 0o444), 'secret-mounts'],
  ['time to cancel orders, swarm', without(...spec, 'stopGracePeriod'), 'time-to-stop'],
  ['the image’s digest, swarm', replaced([...spec, 'image'], /@.*/u, ''), 'pinned-image'],
  ['tags of the service', without(...spec, 'labels'), 'tagged-secret'],
  ['keys by path, swarm', set([...spec, 'env', 'KRAKEN_API_KEY'], value), 'secret-by-reference'],
);
const secrets = ofResource(
  swarm,
  'docker:index/secret:Secret',
  'swarm-binance_api_key',
  ['stack of a Docker secret', without('labels', 0), 'says-its-stack'],
  ['tag of a Docker secret', without('labels', 1), 'tagged-secret'],
);

const stackFile = ofResource(
  'a swarm by its stack file',
  file,
  'hummingbot-stack',
  [
    'stop first, stack file',
    inYaml(set([...service, 'deploy', 'update_config', 'order'], 'start-first')),
    'one-bot',
  ],
  ['one replica, stack file', inYaml(set([...service, 'deploy', 'replicas'], 2)), 'one-bot'],
  [
    'capabilities are dropped, stack file',
    inYaml(without(...service, 'cap_drop')),
    'confined-service',
  ],
  [
    'mode of the secrets, stack file',
    inYaml(set([...service, 'secrets', 0, 'mode'], 0o444)),
    'secret-mounts',
  ],
  [
    'time to cancel orders, stack file',
    inYaml(without(...service, 'stop_grace_period')),
    'time-to-stop',
  ],
);

const generated = ofResource('dev', 'random:index/randomPassword:RandomPassword', undefined, [
  'length of what is generated',
  set(['length'], 8),
  'generated-is-long',
]);

export const dockerMutants: readonly Mutant[] = [
  ...files,
  ...compose,
  ...interpolated,
  ...services,
  ...secrets,
  ...stackFile,
  ...generated,
];
