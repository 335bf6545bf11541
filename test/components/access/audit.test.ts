/** What EventBridge would tell of: its rules as registered, matched against events as CloudTrail writes them. */
import assert from 'node:assert/strict';
import { canaryValues } from '../../canary-values.ts';
import { deployRole, ids, type Run, runProgram } from '../../program-run.ts';
import { mocked, Recorder } from '../../recorder.ts';

const topic = `arn:aws:sns:us-east-1:${mocked.account}:alerts`;
const reader = `arn:aws:iam::${mocked.account}:role/hummingbot-prod-secrets-reader`;
const stranger = `arn:aws:iam::${mocked.account}:role/stranger`;
const keyArn = `arn:aws:kms:us-east-1:${mocked.account}:key/aws-secrets-manager-store-key`;

type Event = Readonly<Record<string, unknown>>;

/** EventBridge's own matching, as far as the rules use it. */
function matches(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) {
    const values = Array.isArray(event) ? event : [event];
    return pattern.some((each) => values.some((value) => matchesValue(each, value)));
  }
  return Object.entries(pattern as Event).every(([name, inner]) => {
    if (name === '$or') return (inner as readonly unknown[]).some((each) => matches(each, event));
    const own = Array.isArray(event)
      ? event.map((each: Event) => each[name])
      : (event as Event | undefined)?.[name];
    return matches(inner, own);
  });
}

function matchesValue(wanted: unknown, value: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === value;
  const { prefix, exists, 'anything-but': but } = wanted as Event;
  if (exists !== undefined) return (value !== undefined) === exists;
  if (value === undefined) return false;
  if (prefix !== undefined) return String(value).startsWith(String(prefix));
  return !(but as readonly unknown[]).includes(value);
}

function read(secretId: string, role?: string, more: Event = {}): Event {
  return {
    source: 'aws.secretsmanager',
    'detail-type': 'AWS API Call via CloudTrail',
    detail: {
      eventName: 'GetSecretValue',
      requestParameters: { secretId },
      userIdentity: role
        ? { type: 'AssumedRole', sessionContext: { sessionIssuer: { arn: role } } }
        : { type: 'IAMUser', arn: `arn:aws:iam::${mocked.account}:user/eve` },
      ...more,
    },
  };
}

describe('alerts on what happens to the secrets in AWS', () => {
  let run: Run;
  let patterns: Readonly<Record<string, unknown>>;
  const canaries = canaryValues();
  before(async () => {
    const settings = { ...ids, alertTopic: topic };
    run = await runProgram('prod', false, canaries, new Recorder(), settings);
    const rules = run.recorder.of('aws:cloudwatch/eventRule:EventRule');
    patterns = Object.fromEntries(
      rules.map(({ inputs }) => [
        String(inputs.name).replace('hummingbot-prod-', ''),
        JSON.parse(String(inputs.eventPattern)) as unknown,
      ]),
    );
  });

  it('are off by default', async () => {
    const { recorder } = await runProgram('prod', false, canaries, new Recorder(), ids);
    assert.deepEqual(recorder.of('aws:cloudwatch/eventRule:EventRule'), []);
  });

  it('are four rules to one topic, which see reads too', () => {
    const rules = run.recorder.of('aws:cloudwatch/eventRule:EventRule');
    assert.deepEqual(Object.keys(patterns).toSorted(), [
      'decrypts',
      'deletions',
      'policies',
      'reads',
    ]);
    for (const { inputs } of rules) {
      assert.equal(inputs.state, 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS');
    }
    const targets = run.recorder.of('aws:cloudwatch/eventTarget:EventTarget');
    assert.deepEqual(new Set(targets.map(({ inputs }) => inputs.arn)), new Set([topic]));
    assert.equal(targets.length, 4);
  });

  it('tell of reads by whoever is not on the list, by name and by ARN', () => {
    const arn = `arn:aws:secretsmanager:us-east-1:${mocked.account}:secret:hummingbot/trading-AbCdEf`;
    for (const [event, told] of [
      [read('hummingbot/trading', stranger), true],
      [read(arn, stranger), true],
      [read(arn), true],
      [read(arn, reader), false],
      [read('hummingbot/trading', deployRole), false],
      [read('other/trading', stranger), false],
      [read('hummingbot/trading-copy', stranger), false],
      [read(arn, stranger, { eventName: 'DescribeSecret' }), false],
    ] as const) {
      assert.equal(matches(patterns.reads, event), told, JSON.stringify(event));
    }
  });

  it('tell of changed policies, deletions and refused decrypts of its own secrets and key alone', () => {
    const call = (eventName: string, more: Event): Event => ({
      source: 'aws.kms',
      'detail-type': 'AWS API Call via CloudTrail',
      detail: { eventName, ...more },
    });
    const ours = { requestParameters: { secretId: 'hummingbot/monitoring' } };
    const key = { resources: [{ ARN: keyArn, type: 'AWS::KMS::Key' }] };
    const otherKey = { resources: [{ ARN: `${keyArn}x` }] };
    for (const [rule, event, told] of [
      ['policies', call('PutResourcePolicy', ours), true],
      ['policies', call('PutKeyPolicy', key), true],
      ['policies', call('PutKeyPolicy', otherKey), false],
      ['policies', call('DescribeSecret', ours), false],
      ['deletions', call('DeleteSecret', ours), true],
      ['deletions', call('ScheduleKeyDeletion', key), true],
      ['deletions', call('DeleteSecret', { requestParameters: { secretId: 'x' } }), false],
      ['decrypts', call('Decrypt', { ...key, errorCode: 'AccessDenied' }), true],
      ['decrypts', call('Decrypt', key), false],
      ['decrypts', call('Decrypt', { ...otherKey, errorCode: 'AccessDenied' }), false],
    ] as const) {
      assert.equal(matches(patterns[rule], event), told, `${rule} ${JSON.stringify(event)}`);
    }
  });

  it('hold no value', () => {
    const said = JSON.stringify([
      run.recorder.of('aws:cloudwatch/eventRule:EventRule').map(({ inputs }) => inputs),
      run.recorder.of('aws:cloudwatch/eventTarget:EventTarget').map(({ inputs }) => inputs),
    ]);
    for (const value of canaries.values()) assert.ok(!said.includes(value));
  });
});
