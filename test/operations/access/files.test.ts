/** Files of this machine, really made; access lists and owners of others are a fake's. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lookAtServices, lookAtSocket } from '../../../operations/access/docker.ts';
import { lookAtFiles, thisMachine } from '../../../operations/access/files.ts';
import { Accounts } from '../../../operations/access/unix-accounts.ts';
import { makeCanary } from '../../canary.ts';

const accounts = new Accounts(
  'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:999::/h:/bin/sh\n',
  'root:x:0:\nann:x:1000:\ndocker:x:999:ann,eve\n',
);

describe('who may read files', () => {
  let folder: string;
  const canary = makeCanary('file');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'access-'));
    mkdirSync(join(folder, 'secrets', 'trading'), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'secrets/trading/kraken_api_key'), canary, { mode: 0o400 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const file = 'secrets/trading/kraken_api_key';
  const answers = (machine = thisMachine) =>
    lookAtFiles(
      {
        stack: 'dev',
        directory: folder,
        files: [{ path: file, mode: '0400' }],
        administrators: [],
      },
      accounts,
      machine,
    );
  const look = (machine = thisMachine) => {
    const { findings, unasked } = answers(machine);
    assert.deepEqual(unasked, []);
    return findings;
  };
  const differences = (machine = thisMachine) =>
    look(machine).filter(({ expected }) => expected === undefined);

  it('is their owner, and nobody beside', () => {
    assert.deepEqual(differences(), []);
    assert.deepEqual(
      look().map(({ expected }) => expected),
      ['the owner'],
    );
  });

  it('is nobody of what is not there', () => {
    rmSync(join(folder, file));
    assert.deepEqual(look(), []);
  });

  for (const [mode, who] of [
    [0o440, /^Group:/],
    [0o404, /^everybody$/],
  ] as const) {
    it(`finds mode ${mode.toString(8)} with its fix`, () => {
      chmodSync(join(folder, file), mode);
      const [one, ...more] = differences();
      assert.deepEqual(more, []);
      assert.match(one?.who ?? '', who);
      assert.equal(one?.cause, `mode 0${mode.toString(8)} of ${join(folder, file)}`);
      assert.match(one?.fix ?? '', /^chmod 0400 .*, or npm start -- --stack dev$/);
    });
  }

  it('finds who may put another file in its place', () => {
    chmodSync(join(folder, 'secrets'), 0o777);
    const [one] = differences();
    assert.deepEqual(
      [one?.who, one?.way, one?.cause],
      ['everybody', 'put other files in their place', `mode 0777 of ${join(folder, 'secrets')}`],
    );
    chmodSync(join(folder, 'secrets'), 0o1777);
    assert.deepEqual(differences(), []);
  });

  /** Of a directory, as a fake has it. */
  const owned = (gid: number): typeof thisMachine => ({
    ...thisMachine,
    stat: (path) => {
      const stat = thisMachine.stat(path);
      return stat && path.endsWith('secrets') ? Object.assign(stat, { uid: 1000, gid }) : stat;
    },
    uid: 1000,
  });

  it('takes a group of its owner alone for nobody, and names who else is in a group', () => {
    chmodSync(join(folder, 'secrets'), 0o775);
    chmodSync(join(folder, file), 0o400);
    const put = (gid: number) =>
      differences(owned(gid))
        .filter(({ way }) => way.startsWith('put'))
        .map(({ who }) => who);
    // As a clone has it where everybody has a group of their own.
    assert.deepEqual(put(1000), []);
    assert.deepEqual(put(999), ['User:bob', 'User:eve']);
    assert.deepEqual(put(4711), ['Group:4711']);
  });

  it('says of a directory that may not be looked at that it was not asked, once', () => {
    const machine = {
      ...thisMachine,
      stat: (path: string): Stats | undefined => {
        if (path.endsWith('kraken_api_key')) {
          throw Object.assign(new Error(canary), { code: 'EACCES', syscall: 'lstat' });
        }
        return thisMachine.stat(path);
      },
    };
    const { findings, unasked } = answers(machine);
    assert.deepEqual(findings, []);
    assert.deepEqual(
      unasked.map(({ got }) => got),
      [`EACCES in ${join(folder, 'secrets/trading')}`],
    );
  });

  it('finds a link in the place of a file', () => {
    rmSync(join(folder, file));
    symlinkSync('/etc/hostname', join(folder, file));
    assert.match(differences()[0]?.cause ?? '', /is a link$/);
  });

  it('finds names in an access list, which the mode of the group lets in', () => {
    const machine = { ...thisMachine, acl: () => ['user:ann:r--', 'group:docker:r--'] };
    assert.deepEqual(differences(machine), []);
    chmodSync(join(folder, file), 0o440);
    assert.deepEqual(
      differences(machine)
        .map(({ who }) => who)
        .slice(0, 2),
      ['User:ann', 'Group:docker'],
    );
  });

  it('finds another owner of a file and of a directory above it', () => {
    const machine = {
      ...thisMachine,
      stat: (path: string): Stats | undefined => {
        const stat = thisMachine.stat(path);
        return stat && path.endsWith('kraken_api_key') ? Object.assign(stat, { uid: 1000 }) : stat;
      },
      uid: process.getuid?.() ?? 0,
    };
    assert.deepEqual(
      differences(machine).map(({ who }) => who),
      ['User:ann'],
    );
  });

  it('shows no value', () => {
    chmodSync(join(folder, file), 0o444);
    assert.ok(!JSON.stringify(look()).includes(canary));
  });
});

describe('who reaches a Docker engine', () => {
  const stat =
    (mode: number, uid = 0, gid = 999) =>
    (): Stats =>
      ({ mode, uid, gid }) as Stats;
  const scope = { host: 'unix:///var/run/docker.sock', administrators: ['ann'] };

  it('is root and the members of its group, by entry and by their own', () => {
    const { findings } = lookAtSocket(scope, accounts, stat(0o140660), 'root');
    assert.deepEqual(
      findings.map(({ who, expected }) => [who, expected]),
      [
        ['User:ann', 'administrators'],
        ['User:bob', undefined],
        ['User:eve', undefined],
      ],
    );
    assert.equal(findings[1]?.cause, 'group docker, mode 0660 of /var/run/docker.sock');
    assert.equal(
      findings[1]?.fix,
      'gpasswd --delete bob docker, or list User:bob in administrators',
    );
  });

  it('is everybody with a socket of mode 666, and a foreign owner', () => {
    const { findings } = lookAtSocket(scope, accounts, stat(0o140606, 1001), 'root');
    assert.deepEqual(
      findings.map(({ who }) => who),
      ['everybody', 'User:bob'],
    );
  });

  it('is who reaches what a link leads to', () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-'));
    const socket = join(folder, 'engine.sock');
    writeFileSync(socket, '');
    chmodSync(socket, 0o600);
    symlinkSync(socket, join(folder, 'docker.sock'));
    const host = `unix://${join(folder, 'docker.sock')}`;
    const { findings } = lookAtSocket({ ...scope, host }, accounts);
    chmodSync(socket, 0o606);
    const open = lookAtSocket({ ...scope, host }, accounts).findings;
    rmSync(folder, { recursive: true });
    assert.ok(!findings.some(({ who }) => who === 'everybody'));
    assert.ok(open.some(({ who }) => who === 'everybody'));
  });

  it('is not asked where it may not be looked at', () => {
    const refusing = (): Stats => {
      throw Object.assign(new Error('x'), { code: 'EACCES', syscall: 'stat' });
    };
    const { unasked } = lookAtSocket(scope, accounts, refusing);
    assert.deepEqual(
      unasked.map(({ got }) => got),
      ['EACCES of /var/run/docker.sock'],
    );
  });

  it('cannot be asked of another machine, and is nobody where there is no engine', () => {
    assert.equal(lookAtSocket({ ...scope, host: 'ssh://x' }, accounts).unasked.length, 1);
    assert.deepEqual(
      lookAtSocket(scope, accounts, () => undefined),
      { findings: [], unasked: [] },
    );
  });

  it('finds services that mount the secrets and are not the bot', async () => {
    const service = (Name: string, ...secrets: string[]) => ({
      Spec: {
        Name,
        TaskTemplate: { ContainerSpec: { Secrets: secrets.map((SecretName) => ({ SecretName })) } },
      },
    });
    const api = {
      list: async (path: string) =>
        path === '/secrets'
          ? [{ Spec: { Name: 'kraken_api_key-00000000' } }]
          : [
              service('hummingbot-prod', 'kraken_api_key-00000000'),
              service('spy', 'kraken_api_key-00000000', 'own'),
              service('other', 'own'),
            ],
    };
    const found = await lookAtServices(api, {
      stack: 'prod',
      service: 'hummingbot-prod',
      host: 'unix:///d',
    });
    assert.deepEqual(
      found.map(({ who, expected, fix }) => [who, expected, fix]),
      [
        ['service hummingbot-prod', 'the bot', ''],
        [
          'service spy',
          undefined,
          'docker --host unix:///d service update --secret-rm kraken_api_key-00000000 spy',
        ],
      ],
    );
  });
});
