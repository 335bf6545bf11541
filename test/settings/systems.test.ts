/** Settings of stacks that deliver to AWS and into a cluster. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseKubeconfig } from '../../settings/kubeconfig.ts';
import { lineOf } from '../../settings/mistake.ts';
import type { RawSettings } from '../../settings/raw.ts';
import { parseStackFile } from '../../settings/stack-file.ts';
import { type Settings, validate } from '../../settings.ts';
import { leaks, makeCanary } from '../canary.ts';

const canary = makeCanary('systems');
const account = '210987654321';
const role = (name: string) => `arn:aws:iam::${account}:role/${name}`;

const swarm = {
  targets: ['swarm'],
  swarmId: 'swarm0swarm0swarm0swarm00',
  swarmNode: 'node00node00node00node000',
};
const certPath = '/home/me/certs';
const vault = {
  targets: ['vault'],
  vaultAddress: 'https://vault.example:8200',
  vaultId: '1c2d3e4f-5061-4273-8495-a6b7c8d9e0f1',
};

const kubeconfig = parseKubeconfig('/k', [
  {
    file: '/k',
    text: JSON.stringify({
      contexts: [
        { name: 'ours', context: { cluster: 'c', user: 'u' } },
        { name: 'torn', context: { cluster: 'c', user: 'gone' } },
      ],
      clusters: [{ name: 'c', cluster: { server: 'https://c.invalid' } }],
      users: [{ name: 'u', user: { token: canary } }],
    }),
  },
]);

function raw(config: Record<string, unknown>, stack = 'prod'): RawSettings {
  const trading = { kraken_api_key: canary, kraken_secret_key: 'QUJD' };
  const whole: Record<string, unknown> = {
    environment: 'prod',
    targets: ['aws-secrets-manager'],
    exchanges: ['kraken'],
    services: [],
    protect: true,
    placeholders: false,
    image: `hummingbot/hummingbot@sha256:${'0'.repeat(64)}`,
    account,
    cluster: '0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0',
    kubeContext: 'ours',
    issuer: 'https://issuer.example:6443/id/1',
    storageClass: 'gp3',
    trading,
    ...config,
  };
  const leaves = Object.keys((whole.trading as object | undefined) ?? {});
  const text = JSON.stringify({
    config: {
      'hummingbot-secrets:trading': Object.fromEntries(
        leaves.map((leaf) => [leaf, { secure: 'v1:x:y' }]),
      ),
    },
  });
  return {
    stack,
    config: whole,
    stackFile: parseStackFile('Pulumi.prod.yaml', text, 'hummingbot-secrets'),
    projectDirectory: join(import.meta.dirname, '../..'),
    kubeconfig,
  };
}

function linesOf(settings: RawSettings): readonly string[] {
  const checked = validate(settings);
  return 'mistakes' in checked ? checked.mistakes.map(lineOf) : [];
}

function accepted(settings: RawSettings): Settings {
  const checked = validate(settings);
  assert.ok('settings' in checked, linesOf(settings).join('\n'));
  return checked.settings;
}

const cases: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['an account that is a list', { account: ['x'] }, /^account: got a object; allowed: the 12/],
  [
    'a region of another partition',
    { region: 'cn-north-1' },
    /^region: got "cn-north-1"; allowed: a region of the partition aws; fix: .*us-east-1/,
  ],
  ['a region with a letter', { region: 'us-east-1a' }, /^region: got "us-east-1a"/],
  ['an issuer without TLS', { issuer: 'http://issuer.example' }, /^issuer: got "http:/],
  [
    'an issuer with a slash',
    { issuer: 'https://issuer.example/' },
    /^issuer: got .*without a slash/,
  ],
  [
    'a role of another account',
    { deployRoles: ['arn:aws:iam::111111111111:role/x'] },
    /^deployRoles\[0\]: got .*; allowed: arn:aws:iam::210987654321:role\/NAME; fix: .*config rm --path 'deployRoles\[0\]'/,
  ],
  [
    'a topic of another region',
    { alertTopic: `arn:aws:sns:eu-west-1:${account}:alerts` },
    /^alertTopic: got .*; allowed: arn:aws:sns:REGION:/,
  ],
  [
    'a topic of another account',
    { alertTopic: 'arn:aws:sns:us-east-1:000000000000:alerts' },
    /^alertTopic: got /,
  ],
  ['a topic that is a queue', { alertTopic: 'arn:aws:sqs:us-east-1:1:x' }, /^alertTopic: got /],
  ['a role by a pattern', { breakGlassRoles: [role('*')] }, /^breakGlassRoles\[0\]: got /],
  [
    'a user for a role',
    { deployRoles: [`arn:aws:iam::${account}:user/x`] },
    /^deployRoles\[0\]: got /,
  ],
  [
    'roles that are no list',
    { deployRoles: role('x') },
    /^deployRoles: got something that is not a list/,
  ],
  [
    'roles that make too long a policy',
    { deployRoles: Array.from({ length: 400 }, (_, at) => role('r'.repeat(40) + at)) },
    /^deployRoles: got roles that make a resource policy of \d+ characters; allowed: at most 20480/,
  ],
  [
    'a window that AWS does not have',
    { recoveryWindowDays: '31' },
    /^recoveryWindowDays: got "31"; allowed: 7 to 30/,
  ],
  ['no window at all', { recoveryWindowDays: 0 }, /^recoveryWindowDays: got /],
  [
    'an operator without namespace',
    { operator: 'eso' },
    /^operator: got "eso"; allowed: NAMESPACE\/NAME/,
  ],
  [
    'a size without unit',
    { storageSize: '5' },
    /^storageSize: got "5"; allowed: a number with Mi, Gi or Ti/,
  ],
  ['a class that is no name', { storageClass: 'GP 3' }, /^storageClass: got "GP 3"/],
  [
    'a context whose user is missing',
    { kubeContext: 'torn' },
    /^kubeContext: got "torn"; allowed: a context with its cluster and user: ours, torn/,
  ],
  ['a context that is a number', { kubeContext: 7 }, /^kubeContext: got a number/],
  [
    'a Docker host by tcp without certificates',
    { ...swarm, dockerHost: 'tcp://far.example:2376' },
    /^dockerCertPath: got nothing; allowed: the absolute path of a directory with ca\.pem, .*; fix: .*dockerCertPath "\$HOME\/\.docker"/,
  ],
  [
    'certificates for a socket, which the provider would use',
    { ...swarm, dockerCertPath: certPath },
    /^dockerCertPath: got a directory, with dockerHost unix:\/\/\/var\/run\/docker\.sock; allowed: none but for tcp; fix: .*config rm dockerCertPath/,
  ],
  [
    'a Docker host without TLS',
    { ...swarm, dockerHost: 'http://far.example:2375' },
    /^dockerHost: got "http:\/\/far\.example:2375"; allowed: unix:\/\/\/PATH, ssh:\/\/USER@HOST or tcp:/,
  ],
  [
    'a Docker host that would be an option of ssh',
    { ...swarm, dockerHost: 'ssh://-oProxyCommand=x' },
    /^dockerHost: got /,
  ],
  [
    'a swarm by a name',
    { ...swarm, swarmId: 'ours' },
    /^swarmId: got "ours"; allowed: the cluster id of a swarm; fix: .*"\$\(docker info --format '\{\{\.Swarm\.Cluster\.ID\}\}'\)"/,
  ],
  [
    'a node by its name',
    { ...swarm, swarmNode: 'worker-1' },
    /^swarmNode: got "worker-1"; allowed: the id of the node/,
  ],
  [
    'a swarm that nobody deploys to',
    { ...swarm, swarmDeploy: 'nobody' },
    /^swarmDeploy: got "nobody"; allowed: pulumi, or stack for docker stack deploy/,
  ],
  [
    'a bot in a cluster and one in a swarm',
    { ...swarm, targets: ['aws-secrets-manager', 'swarm'] },
    /^targets: got aws-secrets-manager and swarm, which both own the namespace; allowed: one of them/,
  ],
  [
    'a Docker secret of what somebody else writes',
    { ...swarm, trading: {}, groups: { trading: { source: 'external' } } },
    /^groups\.trading\.source: got external, with target swarm; allowed: stack/,
  ],
  ['an address without TLS', { vaultAddress: 'http://vault.example' }, /^vaultAddress: got "http:/],
  [
    'an address with a slash',
    { vaultAddress: 'https://vault.example/' },
    /^vaultAddress: got .*without a slash at the end; fix: .*vaultAddress "\$VAULT_ADDR"/,
  ],
  [
    "a Vault's id that is none",
    { vaultId: 'ours' },
    /^vaultId: got "ours"; allowed: the cluster id .*; fix: .*"\$\(vault status -format=json \| jq -r \.cluster_id\)"/,
  ],
  ['a mount that leads elsewhere', { vaultMount: 'secret/../sys' }, /^vaultMount: got "secret/],
  ['an auth mount with a slash', { vaultAuth: '/kubernetes' }, /^vaultAuth: got .*kubernetes"/],
  [
    'Vault without an address',
    { ...vault, vaultAddress: '' },
    /^vaultAddress: got nothing; allowed: the https URL/,
  ],
  [
    'Vault without an id',
    { ...vault, vaultId: '' },
    /^vaultId: got nothing; allowed: the cluster id/,
  ],
  [
    'a part of the prefix that a policy takes for any',
    { ...vault, prefix: 'team/+' },
    /^prefix: got a part that is \+, \. or \.\. alone; allowed: parts that are names, /,
  ],
  [
    'a part of the prefix that leads up',
    { ...vault, prefix: '../hummingbot' },
    /^prefix: got a part that is \+, \. or \.\. alone/,
  ],
  ['groups that are a list', { groups: [] }, /^groups: got something that is not a map/],
  [
    'a group that does not exist',
    { groups: { tradin: {} } },
    /^groups\.tradin: got a group .*; allowed: trading/,
  ],
  ['a group that is a word', { groups: { trading: 'fixed' } }, /^groups\.trading: got a string/],
  [
    'a field that does not exist',
    { groups: { trading: { nameing: 'fixed' } } },
    /^groups\.trading\.nameing: got an unknown field; allowed: naming; fix: .*config rm --path 'groups\.trading\.nameing'/,
  ],
  [
    'a naming that does not exist',
    { groups: { trading: { naming: 'random' } } },
    /^groups\.trading\.naming: got "random"; allowed: versioned, fixed; fix: .*'groups\.trading\.naming' versioned/,
  ],
  [
    'versions of what somebody else writes',
    { trading: {}, groups: { trading: { source: 'external', naming: 'versioned' } } },
    /^groups\.trading\.naming: got versioned, with source external; allowed: fixed/,
  ],
  [
    'a value of what somebody else writes',
    { groups: { trading: { source: 'external' } } },
    /^trading\.kraken_api_key: got a value, though somebody else writes the group; .*config rm --path 'trading\.kraken_api_key'/,
  ],
  [
    'a file of what somebody else writes',
    { targets: ['compose'], trading: {}, groups: { trading: { source: 'external' } } },
    /^groups\.trading\.source: got external, with target compose; allowed: stack/,
  ],
  ['readers that are a list', { readers: [] }, /^readers: got something that is not a map/],
  [
    'readers that are a word',
    { readers: { trading: 'User:x' } },
    /^readers\.trading: got something that is not a list/,
  ],
  [
    'a reader without kind',
    { readers: { trading: ['ann'] } },
    /^readers\.trading\[0\]: got "ann"; allowed: User:NAME/,
  ],
  [
    'everybody as a reader',
    { readers: { trading: ['User:x', 'Group:system:authenticated'] } },
    /^readers\.trading\[1\]: got "Group:system:authenticated"/,
  ],
  [
    'every service account as a reader',
    { readers: { trading: ['Group:system:serviceaccounts:default'] } },
    /^readers\.trading\[0\]: got /,
  ],
  [
    'a service account without namespace',
    { readers: { trading: ['ServiceAccount:x'] } },
    /^readers\.trading\[0\]: got /,
  ],
];

describe('settings of a stack in a cluster', () => {
  for (const [name, config, line] of cases) {
    it(`say in one line: ${name}`, () => {
      const [first, ...more] = linesOf(raw(config));
      assert.match(first ?? 'no mistake', line);
      for (const each of [first ?? '', ...more]) {
        assert.match(each, /^[^:]+: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/);
      }
      assert.deepEqual(leaks([first, ...more].join('\n'), new Map([['systems', canary]])), []);
    });
  }

  it('are settled, with what is the default', () => {
    const { aws, cluster, groups } = accepted(raw({ deployRoles: [role('ci/deploy')] }));
    assert.deepEqual(aws, {
      account,
      region: 'us-east-1',
      issuer: 'https://issuer.example:6443/id/1',
      readerRole: 'hummingbot-prod-secrets-reader',
      deployRoles: [role('ci/deploy')],
      breakGlassRoles: [],
      recoveryWindowDays: 30,
    });
    assert.deepEqual(cluster?.operator, {
      namespace: 'external-secrets',
      name: 'external-secrets',
    });
    assert.deepEqual(cluster?.storage, { className: 'gp3', size: '5Gi' });
    const [trading] = groups;
    assert.deepEqual(
      [trading?.naming, trading?.source, trading?.env],
      ['versioned', 'stack', 'files'],
    );
  });

  it('say that a service would have too long a name', () => {
    const stack = 'p'.repeat(40);
    const [line] = linesOf(raw({ ...swarm, namespace: 'hummingbots' }, stack));
    assert.match(line ?? '', /^namespace: got a name that with the stack's gives a service of 52 /);
  });

  it('of a swarm are settled, and ask for no account and no cluster', () => {
    const none = { account: '', cluster: '', kubeContext: '', issuer: '', storageClass: '' };
    const { aws, cluster, manager } = accepted(raw({ ...none, ...swarm }));
    assert.deepEqual([aws, cluster], [undefined, undefined]);
    assert.deepEqual(manager, {
      id: swarm.swarmId,
      host: 'unix:///var/run/docker.sock',
      certPath: '',
      node: swarm.swarmNode,
      service: 'hummingbot-prod',
      deploy: 'pulumi',
    });
    for (const [dockerHost, dockerCertPath] of [
      ['ssh://me@far.example:2222', ''],
      ['ssh://far', ''],
      ['tcp://far.example:2376', certPath],
      ['unix:///run/user/1000/docker.sock', ''],
    ]) {
      const found = accepted(raw({ ...none, ...swarm, dockerHost, dockerCertPath })).manager;
      assert.deepEqual([found?.host, found?.certPath], [dockerHost, dockerCertPath]);
    }
  });

  it('are not asked for by a stack of files', () => {
    const unset = {
      targets: ['compose'],
      account: '',
      cluster: '',
      kubeContext: '',
      issuer: '',
      storageClass: '',
      image: 'hummingbot/hummingbot:version-2.16.0',
    };
    const { aws, cluster } = accepted(raw(unset));
    assert.deepEqual([aws, cluster], [undefined, undefined]);
  });

  it('are asked for together, each with the command that finds it', () => {
    const unset = { account: '', cluster: '', kubeContext: '', issuer: '', storageClass: '' };
    const names = linesOf(raw({ ...unset, image: 'hb:1' })).map((line) => line.split(':')[0]);
    assert.deepEqual(names, [
      'account',
      'issuer',
      'storageClass',
      'cluster',
      'kubeContext',
      'image',
    ]);
  });

  it('refuse a role name that IAM would not take', () => {
    const [line] = linesOf(raw({ namespace: 'a'.repeat(22) }, `s${'t'.repeat(39)}`));
    assert.match(line ?? '', /^namespace: got a name .* of 78 characters; allowed: at most 64/);
  });

  it('refuse a kubeconfig that cannot be read, with its path', () => {
    const broken = { ...raw({}), kubeconfig: parseKubeconfig('/nowhere', []) };
    assert.match(
      linesOf(broken)[0] ?? '',
      /^kubeContext: got a file that cannot be read: "\/nowhere"; allowed: a kubeconfig; fix: KUBECONFIG=FILE/,
    );
  });

  it('refuse values that are too long together, though each is not', () => {
    const long = [
      'binance_api_key',
      'binance_secret_key',
      'coinbase_api_key',
      'coinbase_passphrase',
    ]
      .concat('kucoin_api_key', 'kucoin_secret_key', 'kucoin_passphrase', 'kraken_api_key')
      .map((key) => [key, '"'.repeat(4096)]);
    const trading = { ...Object.fromEntries(long), kraken_secret_key: 'QUJD' };
    const lines = linesOf(
      raw({ exchanges: ['binance', 'coinbase', 'kraken', 'kucoin'], trading }),
    ).filter((line) => line.startsWith('trading:'));
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^trading: got 6\d{4} bytes as JSON; allowed: at most 65536 bytes, which target aws-secrets-manager can carry; fix: shorter values: /,
    );
  });

  it('never throw, and never say more than a line, whatever the config is', () => {
    const any = fc.oneof(fc.string(), fc.jsonValue(), fc.constant(''), fc.constant(canary));
    const field = fc.constantFrom('naming', 'source', 'env', '__proto__', 'a b\nc');
    const group = fc.constantFrom('trading', 'monitoring', '__proto__', 'x');
    const map = fc.oneof(
      fc.dictionary(group, fc.oneof(fc.dictionary(field, any), fc.array(any))),
      any,
    );
    const names = ['account', 'region', 'cluster', 'issuer', 'operator', 'kubeContext', 'image']
      .concat('storageClass', 'storageSize', 'recoveryWindowDays', 'deployRoles')
      .concat('breakGlassRoles', 'alertTopic', 'administrators');
    const config = fc.record(
      { ...Object.fromEntries(names.map((name) => [name, any])), groups: map, readers: map },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(config, fc.constantFrom('prod', 'Prod', 'a.b'), (each, stack) => {
        for (const line of linesOf(raw(each, stack))) assert.match(line, /^[^\n]+$/);
      }),
      { numRuns: 300 },
    );
  });
});
