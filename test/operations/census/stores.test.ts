/** Every kind of drift that a store can have: AWS by a client that answers as AWS does, Vault by a server. */
import assert from 'node:assert/strict';
import type { AwsAccount, VaultServer as VaultPlace } from '../../../components/systems.ts';
import { type AwsCase, askStore } from '../../../operations/census/aws.ts';
import type { Answers } from '../../../operations/census/facts.ts';
import { askVault } from '../../../operations/census/vault.ts';
import { VaultApi } from '../../../plugins/vault-api.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { VaultServer } from '../../vault-server.ts';

const canary = makeCanary('store');
const tag = 'aaaaaaaaaa';
const store = {
  target: 'x',
  stack: 'prod',
  prefix: 'hummingbot',
  environment: 'prod',
  groups: [{ group: 'trading', keys: ['kraken_api_key'], tag }],
  about: () => ({ owner: 'trading-desk', 'max-age-days': '90' }),
} as const;

function lines({ drifts, unasked }: Answers): readonly string[] {
  assert.deepEqual(leaks(JSON.stringify([drifts, unasked]), new Map([['canary', canary]])), []);
  for (const { cause, fix } of drifts) assert.ok(cause !== '' && fix !== '');
  return [
    ...drifts.map(({ kind, place, found }) => `${kind} ${place}: ${found}`),
    ...unasked.map(({ what, got }) => `unasked ${what}: ${got}`),
  ];
}

describe('what is asked of AWS', () => {
  const aws: AwsAccount = {
    account: '111122223333',
    region: 'us-east-1',
    issuer: 'https://issuer.example',
    readerRole: 'hummingbot-prod-secrets-reader',
    deployRoles: ['arn:aws:iam::111122223333:role/deploy'],
    breakGlassRoles: [],
    recoveryWindowDays: 30,
  };
  const about: AwsCase = { ...store, aws, versions: new Map([['trading', 'version-1']]) };
  const tags = (more: object = {}) =>
    Object.entries({
      environment: 'prod',
      group: 'trading',
      owner: 'trading-desk',
      'max-age-days': '90',
      ...more,
    }).map(([Key, Value]) => ({ Key, Value }));
  let described: object;
  let versions: readonly object[];
  let listed: readonly object[];
  let asked: string[];
  let refuse: Readonly<Record<string, Error>>;

  beforeEach(() => {
    described = { Name: 'hummingbot/trading', Tags: tags() };
    versions = [
      { VersionId: 'version-0', VersionStages: ['AWSPREVIOUS'] },
      {
        VersionId: 'version-1',
        VersionStages: ['AWSCURRENT'],
        CreatedDate: new Date('2026-11-20T00:00:00Z'),
      },
    ];
    listed = [{ Name: 'hummingbot/trading', Tags: tags() }];
    asked = [];
    refuse = {};
  });

  const client = {
    send: async (command: object): Promise<object> => {
      const name = command.constructor.name;
      asked.push(name);
      const error = refuse[name];
      if (error !== undefined) throw error;
      if (name === 'DescribeSecretCommand') return described;
      return name === 'ListSecretsCommand' ? { SecretList: listed } : { Versions: versions };
    },
  } as unknown as Parameters<typeof askStore>[0];

  function named(name: string): Error {
    return Object.assign(new Error(canary), { name });
  }

  it('is no value, and tells the tag by the version', async () => {
    const found = await askStore(client, about);
    assert.deepEqual(lines(found), []);
    assert.deepEqual(
      found.sightings.map(({ place, tag: each, since }) => [place, each, since]),
      [['AWS secret hummingbot/trading', tag, '2026-11-20T00:00:00.000Z']],
    );
    assert.deepEqual(
      found.sightings[0]?.readers.map(({ who, live }) => `${who} ${live}`),
      [
        'role arn:aws:iam::111122223333:role/hummingbot-prod-secrets-reader false',
        'role arn:aws:iam::111122223333:role/deploy false',
      ],
    );
    assert.deepEqual(asked, [
      'DescribeSecretCommand',
      'ListSecretVersionIdsCommand',
      'ListSecretsCommand',
    ]);
  });

  it('finds a value that was changed by hand, by its version', async () => {
    versions = [
      { VersionId: 'version-2', VersionStages: ['AWSCURRENT'], CreatedDate: new Date(0) },
    ];
    const found = await askStore(client, about);
    assert.deepEqual(lines(found), [
      'changed AWS secret hummingbot/trading: version version-2, written 1970-01-01T00:00:00.000Z',
    ]);
    assert.equal(found.sightings[0]?.tag, undefined);
    assert.equal(found.drifts[0]?.fix, 'npm run rotate -- --stack prod trading');
    versions = [...versions, { VersionId: 'version-1', VersionStages: ['AWSPREVIOUS'] }];
    assert.equal(
      (await askStore(client, about)).drifts[0]?.fix,
      'aws --region us-east-1 secretsmanager update-secret-version-stage --secret-id hummingbot/trading --version-stage AWSCURRENT --move-to-version-id version-1 --remove-from-version-id version-2',
    );
  });

  it('finds a secret that is gone, that waits for its deletion, or has no version', async () => {
    described = { ...described, DeletedDate: new Date() };
    const [waiting] = (await askStore(client, about)).drifts;
    assert.deepEqual([waiting?.kind, waiting?.fix], ['missing', 'npm run restore -- --stack prod']);
    refuse = { DescribeSecretCommand: named('ResourceNotFoundException') };
    assert.deepEqual(lines(await askStore(client, about)), [
      'missing AWS secret hummingbot/trading: none',
    ]);
    refuse = {};
    described = { Tags: tags() };
    versions = [];
    assert.deepEqual(lines(await askStore(client, about)), [
      'missing AWS secret hummingbot/trading: no current version',
    ]);
  });

  it('finds other tags, and unknown secrets below the prefix', async () => {
    described = { Tags: tags({ owner: 'nobody', 'max-age-days': canary }) };
    listed = [
      ...listed,
      { Name: 'hummingbot/mine', Tags: [] },
      { Name: 'hummingbot/staging/trading', Tags: [] },
      { Name: 'hummingbot/of-another', Tags: [{ Key: 'environment', Value: 'staging' }] },
    ];
    assert.deepEqual(lines(await askStore(client, about)), [
      `changed AWS secret hummingbot/trading: owner nobody, max-age-days a name that is not shown (${canary.length} characters)`,
      'unknown AWS secret hummingbot/mine: one that the stack does not know',
    ]);
  });

  it('says what it could not ask, and not what AWS said', async () => {
    refuse = { ListSecretsCommand: named('AccessDeniedException') };
    assert.deepEqual(lines(await askStore(client, about)), [
      'unasked AWS secrets below hummingbot/: AccessDeniedException',
    ]);
    refuse = { DescribeSecretCommand: named(`${canary} x`), ListSecretsCommand: named('X') };
    assert.deepEqual(lines(await askStore(client, about)), [
      'unasked AWS secret hummingbot/trading: no answer',
      'unasked AWS secrets below hummingbot/: X',
    ]);
  });

  it('expects no version of what somebody else writes', async () => {
    versions = [{ VersionId: 'theirs', VersionStages: ['AWSCURRENT'] }];
    const groups = [{ ...store.groups[0], tag: undefined }];
    assert.deepEqual(lines(await askStore(client, { ...about, groups })), []);
  });
});

describe('what is asked of Vault', () => {
  const id = '01234567-89ab-cdef-0123-456789abcdef';
  let server: VaultServer;
  const data = { stack: 'prod', owner: 'trading-desk', 'max-age-days': '90', tag, cas: '6' };
  const path = 'secret/metadata/hummingbot/trading';

  beforeEach(async () => {
    server = new VaultServer();
    await server.start();
    server.answers.set('sys/health', [200, { cluster_id: id }]);
    server.answers.set('secret/metadata/hummingbot', [
      200,
      { data: { keys: ['trading', 'staging/'] } },
    ]);
    put(7, data);
  });
  afterEach(async () => await server.stop());

  function put(version: number, custom: object, more: object = {}): void {
    const versions = {
      [version]: { created_time: '2026-11-20T00:00:00Z', deletion_time: '', ...more },
    };
    const found = { current_version: version, versions, custom_metadata: custom };
    server.answers.set(path, [200, { data: found }]);
  }

  async function asked(vaultId = id): Promise<Answers> {
    const vault: VaultPlace = {
      address: server.address,
      id: vaultId,
      mount: 'secret',
      auth: 'kubernetes',
      readerRole: 'hummingbot-prod-secrets-reader',
    };
    const environment = { HOME: '/nonexistent', VAULT_TOKEN: 'token' };
    return await askVault(await VaultApi.connect(server.address, environment), { ...store, vault });
  }

  it('is no value, but metadata alone', async () => {
    const found = await asked();
    assert.deepEqual(lines(found), []);
    assert.deepEqual(
      found.sightings.map(({ place, tag: each, since }) => [place, each, since]),
      [['Vault secret secret/hummingbot/trading', tag, '2026-11-20T00:00:00Z']],
    );
    assert.ok(server.requests.length >= 3);
    for (const each of server.requests) assert.doesNotMatch(each.path, /\/data\//);
  });

  for (const [what, version, custom, more, line] of [
    [
      'a value that was changed by hand',
      8,
      data,
      {},
      'changed Vault secret secret/hummingbot/trading: version 8, written 2026-11-20T00:00:00Z',
    ],
    [
      'another tag',
      7,
      { ...data, tag: 'bbbbbbbbbb' },
      {},
      'other tag Vault secret secret/hummingbot/trading: tag bbbbbbbbbb',
    ],
    [
      'a value in the place of a tag',
      7,
      { ...data, tag: canary },
      {},
      'other tag Vault secret secret/hummingbot/trading: no tag of ours',
    ],
    [
      'other metadata',
      7,
      { ...data, owner: canary },
      {},
      `changed Vault secret secret/hummingbot/trading: owner a name that is not shown (${canary.length} characters)`,
    ],
    [
      'a deleted version',
      7,
      data,
      { deletion_time: '2026-11-21T00:00:00Z' },
      'missing Vault secret secret/hummingbot/trading: version 7, which is deleted',
    ],
  ] as const) {
    it(`finds ${what}`, async () => {
      put(version, custom, more);
      assert.deepEqual(lines(await asked()), [line]);
    });
  }

  it('finds a secret that is gone, and unknown ones below the prefix', async () => {
    server.answers.delete(path);
    server.answers.set('secret/metadata/hummingbot', [
      200,
      { data: { keys: ['mine', canary, 'x/'] } },
    ]);
    assert.deepEqual(lines(await asked()), [
      'missing Vault secret secret/hummingbot/trading: none',
      'unknown Vault secret secret/hummingbot/mine: one that the stack does not know',
      `unknown Vault secret secret/hummingbot/a name that is not shown (${canary.length} characters): one that the stack does not know`,
    ]);
  });

  it('says what it could not ask, and asks nothing of another Vault', async () => {
    server.answers.set('secret/metadata/hummingbot', [403, { errors: ['permission denied'] }]);
    const [line, ...more] = lines(await asked());
    assert.deepEqual(more, []);
    assert.match(
      line ?? '',
      /^unasked Vault secrets below secret\/hummingbot\/: .*403 permission denied$/,
    );
    server.requests.length = 0;
    assert.match(lines(await asked('another')).join(), /^unasked Vault http:\S+: another Vault$/);
    assert.equal(server.requests.length, 1);
  });
});
