/** What Vault's audit device and CloudTrail say. */
import assert from 'node:assert/strict';
import { cloudTrailEvent, recordsIn } from '../../../operations/audit/cloudtrail.ts';
import type { Line } from '../../../operations/audit/event.ts';
import { judgeOf } from '../../../operations/audit/judge.ts';
import { vaultLine } from '../../../operations/audit/vault-log.ts';
import { makeCanary } from '../../canary.ts';
import {
  account,
  expecting,
  operatorAuth,
  operators,
  readerRole,
  role,
  session,
  trailRecord,
  vaultEntry,
} from './entries.ts';

const judge = judgeOf(expecting, operators);
const canary = makeCanary('stores');

function judged(line: Line): string | undefined {
  assert.equal(line.kind, 'event', JSON.stringify(line));
  return line.kind === 'event' ? judge(line.event) : '';
}

describe("Vault's audit log", () => {
  const place = { vault: { mount: 'secret', auth: 'kubernetes' }, prefix: 'hummingbot' };
  const line = (entry: object): Line => vaultLine(JSON.stringify(entry), place);
  const path = 'secret/data/hummingbot/trading';

  it('expects the operator by its login and its policy, and administrators by name', () => {
    const by = (auth: object): string | undefined =>
      judged(line(vaultEntry(path, '', [], { auth: { ...operatorAuth, ...auth } })));
    assert.equal(by({}), 'brings the Secrets');
    assert.equal(by({ policies: [readerRole, 'more'] }), undefined);
    assert.equal(by({ policies: [] }), undefined);
    // Another role that somebody has given the same policy.
    assert.equal(by({ metadata: { ...operatorAuth.metadata, role: 'mine' } }), undefined);
    const mine = { ...operatorAuth.metadata, service_account_name: 'mine' };
    const name = 'kubernetes-hummingbot-mine';
    assert.equal(by({ display_name: name, metadata: mine }), undefined);
    assert.equal(by({ display_name: `other-${operatorAuth.display_name}` }), undefined);
    // Whoever makes a token chooses what stands behind the first word.
    assert.equal(by({ display_name: 'token', metadata: undefined }), undefined);
    assert.equal(by({ display_name: `token-${operatorAuth.display_name}` }), undefined);
    assert.equal(judged(line(vaultEntry(path, 'deployer', ['deployer']))), 'administrators');
    assert.equal(judged(line(vaultEntry(path, 'eve', ['wide']))), undefined);
  });

  it('knows administrators by the path of their role or user, as the settings name it', () => {
    const subjects = [
      'auth/approle/role/deployer',
      'auth/userpass/users/ann',
      'auth/team/kubernetes/role/ci',
    ].map((name) => ({ kind: 'User' as const, name }));
    const own = judgeOf({ ...expecting, administrators: { subjects, principals: [] } }, operators);
    const team = { vault: { mount: 'secret', auth: 'team/kubernetes' }, prefix: 'hummingbot' };
    const by = (display_name: string, metadata: object): string | undefined => {
      const auth = { ...operatorAuth, policies: ['wide'], display_name, metadata };
      const found = vaultLine(JSON.stringify(vaultEntry(path, '', [], { auth })), team);
      return found.kind === 'event' ? own(found.event) : '';
    };
    const sa = { service_account_namespace: 'ci', service_account_name: 'runner', role: 'ci' };
    assert.equal(by('approle', { role_name: 'deployer' }), 'administrators');
    assert.equal(by('userpass-ann', { username: 'ann' }), 'administrators');
    assert.equal(by('team-kubernetes-ci-runner', sa), 'administrators');
    assert.equal(by('approle', { role_name: 'other' }), undefined);
    assert.equal(by('ldap-ann', { username: 'ann' }), undefined);
    assert.equal(by('token-approle', { role_name: 'deployer' }), undefined);
    assert.equal(by('token', { role_name: 'deployer' }), undefined);
  });

  it('has one event a request, with what was refused, and changes of rights', () => {
    const refused = line(
      vaultEntry(path, 'eve', [], { error: '1 error occurred: permission denied' }),
    );
    assert.ok(refused.kind === 'event' && refused.event.refused);
    assert.equal(line(vaultEntry(path, 'eve', [], { type: 'request' })).kind, 'other');
    const rights = line(
      vaultEntry('', 'eve', [], { request: { operation: 'update', path: 'sys/policies/acl/x' } }),
    );
    assert.ok(rights.kind === 'event' && rights.event.deed === 'rights');
    assert.equal(line(vaultEntry('secret/data/other/x', 'eve', [])).kind, 'other');
    assert.equal(vaultLine('{"time":"x"}', place).kind, 'unknown');
  });

  it('has what takes versions away, for good or not, and not a look at what is there', () => {
    const on = (operation: string, at: string, name = 'eve') =>
      line(vaultEntry('', name, ['wide'], { request: { operation, path: at } }));
    for (const [operation, kind] of [
      ['delete', 'metadata'],
      ['update', 'metadata'],
      ['update', 'destroy'],
      ['update', 'delete'],
      ['update', 'undelete'],
    ] as const) {
      const found = on(operation, `secret/${kind}/hummingbot/trading`);
      assert.ok(found.kind === 'event', kind);
      const { deed, what, group } = found.event;
      assert.deepEqual([deed, what, group], ['change', `${kind}/hummingbot/trading`, 'trading']);
      assert.equal(judged(found), undefined, kind);
      // A rotation destroys old versions, and a destroy of the stack all of them.
      const own = on(operation, `secret/${kind}/hummingbot/trading`, 'deployer');
      assert.equal(judged(own), 'administrators');
    }
    const engine = on('delete', 'sys/mounts/secret');
    assert.ok(engine.kind === 'event' && engine.event.deed === 'change');
    const method = on('update', 'sys/auth/mine');
    assert.ok(method.kind === 'event' && method.event.deed === 'rights');
    for (const [operation, at] of [
      ['read', 'secret/metadata/hummingbot/trading'],
      ['list', 'secret/metadata/hummingbot/'],
      ['update', 'secret/destroy/hummingbot/mine'],
      ['update', 'secret/destroy/other/trading'],
      ['delete', 'sys/mounts/other'],
    ] as const) {
      assert.equal(on(operation, at).kind, 'other', at);
    }
  });

  it('shows nothing of a device that writes values in the clear (log_raw)', () => {
    const entry = vaultEntry(path, 'eve', [], {
      response: { data: { data: { kraken_api_key: canary } } },
    });
    assert.ok(!JSON.stringify(line(entry)).includes(canary));
  });

  it('says that values or tokens stand there in the clear', () => {
    const clear = (more: object, at = path): boolean | undefined => {
      const found = line(vaultEntry(at, 'deployer', ['deployer'], more));
      return found.kind === 'unknown' ? undefined : (found.bodies ?? false);
    };
    const data = { data: { kraken_api_key: canary } };
    assert.equal(clear({}), false);
    assert.equal(clear({ response: { data } }), true);
    assert.equal(clear({ type: 'request', request: { operation: 'update', path, data } }), true);
    // Of somebody else's secret; and a deleted version, which has none.
    assert.equal(clear({ response: { data } }, 'secret/data/other'), false);
    assert.equal(clear({ response: { data: { data: null } } }), false);
    const token = { client_token: canary };
    assert.equal(clear({ auth: token }, 'sys/health'), true);
    assert.equal(clear({ response: { auth: token } }, 'auth/kubernetes/login'), true);
  });
});

describe('CloudTrail', () => {
  const arn = `arn:aws:secretsmanager:us-east-1:${account}:secret:hummingbot/trading-AbCdEf`;
  const read = (who: object, secretId: string = arn): Line =>
    cloudTrailEvent(trailRecord('GetSecretValue', who, { secretId }), 'hummingbot');

  it('expects the roles of the settings, by the role behind a session', () => {
    assert.equal(judged(read(session(readerRole))), 'brings the Secrets');
    assert.equal(judged(read(session('deploy'))), 'deployRoles');
    assert.equal(judged(read(session('glass'), 'hummingbot/trading')), 'breakGlassRoles');
    assert.equal(judged(read(session('admin'))), 'administrators');
    assert.equal(judged(read(session('eve'))), undefined);
    assert.equal(
      judged(read({ type: 'IAMUser', arn: `arn:aws:iam::${account}:user/eve` })),
      undefined,
    );
    assert.equal(
      judged(
        cloudTrailEvent(
          trailRecord('PutResourcePolicy', session('glass'), { secretId: arn }),
          'hummingbot',
        ),
      ),
      undefined,
    );
    assert.equal(
      judged(
        cloudTrailEvent(
          trailRecord('PutResourcePolicy', session('deploy'), { secretId: arn }),
          'hummingbot',
        ),
      ),
      'deployRoles',
    );
  });

  it('leaves out what is not of the stack, and successful decrypts', () => {
    assert.equal(read(session('eve'), 'other/trading').kind, 'other');
    assert.equal(read(session('eve'), `${arn}x`).kind, 'other');
    const decrypt = (more: object): Line =>
      cloudTrailEvent(
        trailRecord(
          'Decrypt',
          session('eve'),
          { encryptionContext: { SecretARN: arn } },
          { eventSource: 'kms.amazonaws.com', ...more },
        ),
        'hummingbot',
      );
    assert.equal(decrypt({}).kind, 'other');
    const refused = decrypt({ errorCode: 'AccessDenied' });
    assert.ok(
      refused.kind === 'event' && refused.event.deed === 'decrypt' && refused.event.refused,
    );
    assert.equal(cloudTrailEvent({ x: 1 }, 'hummingbot').kind, 'unknown');
  });

  it('is read as its files, as events a line, and as lookup-events prints it', () => {
    const record = trailRecord('GetSecretValue', session('eve'), { secretId: arn });
    for (const text of [
      JSON.stringify({ Records: [record] }, undefined, 2),
      `${JSON.stringify(record)}\n${JSON.stringify(record)}\n`,
      JSON.stringify({ Events: [{ CloudTrailEvent: JSON.stringify(record) }] }),
      JSON.stringify(record),
    ]) {
      const { records, isLookup } = recordsIn(text);
      assert.equal(isLookup, text.startsWith('{"Events"'));
      assert.ok(records.length > 0);
      for (const each of records) assert.equal(cloudTrailEvent(each, 'hummingbot').kind, 'event');
    }
  });

  it('shows nothing of what else a record holds', () => {
    const line = cloudTrailEvent(
      trailRecord(
        'PutSecretValue',
        { arn: `x ${canary}` },
        { secretId: arn, secretString: canary },
        { errorMessage: canary },
      ),
      'hummingbot',
    );
    assert.equal(line.kind, 'event');
    assert.ok(!JSON.stringify(line).includes(canary));
    assert.ok(role('x').length > 0);
  });
});
