/** Events of the stack's key among those of an account that uses others all day. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeOf } from '../../../operations/audit/judge.ts';
import { Keys, keyIdIn } from '../../../operations/audit/keys.ts';
import { readCloudTrail } from '../../../operations/audit/reading.ts';
import { auditCodeOf, shownAudit } from '../../../operations/audit/shown.ts';
import { Tally } from '../../../operations/audit/tally.ts';
import { account, expecting, operators, role, session, trailRecord } from './entries.ts';

const judge = judgeOf(expecting, operators);
const secret = `arn:aws:secretsmanager:us-east-1:${account}:secret:hummingbot/trading-AbCdEf`;
const ownId = '1234abcd-12ab-34cd-56ef-1234567890ab';
const arnOf = (id: string): string => `arn:aws:kms:us-east-1:${account}:key/${id}`;
const own = arnOf(ownId);
const foreign = arnOf('mrk-00000000000040008000000000000001');
const service = 'secretsmanager.amazonaws.com';

function onKey(eventName: string, key: string, who: string, more: object = {}): object {
  const record = trailRecord(eventName, session(who), { keyId: key });
  return { ...record, eventSource: 'kms.amazonaws.com', resources: [{ ARN: key }], ...more };
}

/** As Secrets Manager asks for somebody who reads. */
function decrypt(key: string, more: object = {}): object {
  const requestParameters = { encryptionContext: { SecretARN: secret } };
  return onKey('Decrypt', key, 'eve', { sourceIPAddress: service, requestParameters, ...more });
}

describe('keys of KMS in a trail', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  after(() => rmSync(folder, { recursive: true }));

  async function audited(records: readonly object[], given: readonly string[] = []) {
    const tally = new Tally(judge);
    const keys = new Keys(given, judge);
    const path = join(folder, 'trail.json');
    writeFileSync(path, JSON.stringify({ Records: records }));
    const source = await readCloudTrail(path, 'hummingbot', 0, tally, keys);
    const { others: otherKeys, left, rows } = keys;
    const events = [...tally.rows, ...rows];
    const head = { stack: 'prod', since: 's', at: 'a' };
    return { ...head, events, sources: [source], otherKeys, late: [], left };
  }

  const grants = ['CreateGrant', 'PutKeyPolicy', 'ScheduleKeyDeletion', 'DisableKey'];
  const ordinary = grants.map((each) => onKey(each, foreign, 'AWSServiceRoleForAutoScaling'));

  it('are told of where the trail says that ours is one, wherever it says so', async () => {
    for (const says of [
      decrypt(own),
      decrypt(own, { eventName: 'GenerateDataKey' }),
      trailRecord('CreateSecret', session('deploy'), {
        name: 'hummingbot/trading',
        kmsKeyId: own,
      }),
      trailRecord('UpdateSecret', session('deploy'), { secretId: secret, kmsKeyId: ownId }),
    ]) {
      const done = grants.map((each) => onKey(each, own, 'eve'));
      const report = await audited([
        ...ordinary,
        ...done,
        says,
        onKey('CreateGrant', own, 'deploy'),
      ]);
      const strange = report.events.filter(({ expected }) => expected === null);
      assert.deepEqual(
        strange.map(({ verb }) => verb).toSorted(),
        grants.toSorted(),
        JSON.stringify(says),
      );
      assert.ok(strange.every(({ who, what }) => who === role('eve') && what === `key ${own}`));
      assert.equal(report.otherKeys, undefined);
      assert.equal(auditCodeOf(report), 1);
    }
  });

  it('are no alarm on an account whose other keys are used all day', async () => {
    assert.equal(auditCodeOf(await audited([...ordinary, decrypt(own)])), 0);
    assert.deepEqual((await audited([...ordinary, decrypt(own)])).events, []);
    const given = await audited(ordinary, [ownId]);
    assert.deepEqual([given.events, given.otherKeys, auditCodeOf(given)], [[], undefined, 0]);
  });

  it('are counted and named where nothing says which is ours', async () => {
    const report = await audited([...ordinary, ...ordinary]);
    assert.deepEqual(report.otherKeys, { events: 8, keys: [foreign] });
    assert.equal(auditCodeOf(report), 0);
    const said = shownAudit(report, 'table');
    assert.match(said, /^CloudTrail: 8 grants, policies or deletions of 1 keys, .*--key ARN/m);
    assert.ok(said.includes(foreign));
    assert.equal((await audited([onKey('CreateGrant', foreign, 'admin')])).otherKeys, undefined);
  });

  it('are ours by what somebody has said, and then by nothing else', async () => {
    const done = [onKey('DisableKey', own, 'eve'), onKey('DisableKey', foreign, 'eve')];
    const report = await audited([decrypt(foreign), ...done], [ownId]);
    assert.deepEqual(
      report.events.map(({ what }) => what),
      [`key ${own}`],
    );
  });

  it('are not ours by what somebody else writes beside our name', async () => {
    const mine = { sourceIPAddress: '10.0.0.3' };
    const refused = { errorCode: 'AccessDenied' };
    const report = await audited([
      decrypt(foreign, mine),
      trailRecord('UpdateSecret', session('eve'), { secretId: secret, kmsKeyId: foreign }, refused),
      onKey('ScheduleKeyDeletion', own, 'eve'),
    ]);
    assert.deepEqual(report.otherKeys, { events: 1, keys: [own] });
  });

  it('have an id, alone or in an ARN', () => {
    assert.equal(keyIdIn(own), ownId);
    assert.equal(keyIdIn(ownId), ownId);
    assert.equal(keyIdIn(foreign), 'mrk-00000000000040008000000000000001');
    for (const each of ['alias/mine', `${own}x`, '', undefined, 'arn:aws:s3:::x']) {
      assert.equal(keyIdIn(each), undefined);
    }
  });
});
