/**
 * Who is told of what happens to the secrets in AWS: rules of EventBridge on what the account's trail
 * records, to a topic that is there already. Rules cost nothing; the topic and its policy are its owner's.
 *
 * Reads are dropped by EventBridge unless a rule's state asks for all management events:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
import { EventRule } from '@pulumi/aws/cloudwatch/eventRule.js';
import { EventTarget } from '@pulumi/aws/cloudwatch/eventTarget.js';
import * as pulumi from '@pulumi/pulumi';
import { readingRoles } from '../delivery/aws-rules.ts';
import type { AwsAccount } from '../systems.ts';

export interface AuditAlertsArgs {
  readonly aws: AwsAccount;
  /** ARN of the topic. */
  readonly topic: string;
  /** First part of the names of the rules, unique in the account. */
  readonly name: string;
  /** `<prefix>/<group>` */
  readonly secretNames: readonly string[];
  readonly keyArn: pulumi.Output<string>;
  readonly environment: string;
}

type Pattern = Readonly<Record<string, unknown>>;

/** A pattern by what it tells of. */
export function patternsOf(
  aws: AwsAccount,
  secretNames: readonly string[],
  keyArn: string,
): Readonly<Record<'reads' | 'policies' | 'deletions' | 'decrypts', Pattern>> {
  const arn = (name: string): string =>
    `arn:aws:secretsmanager:${aws.region}:${aws.account}:secret:${name}-`;
  // By name, or by an ARN with six letters behind it.
  const secretId = secretNames.flatMap((name) => [name, { prefix: arn(name) }]);
  const secrets = {
    'detail-type': ['AWS API Call via CloudTrail'],
    source: ['aws.secretsmanager'],
  };
  const keys = { 'detail-type': ['AWS API Call via CloudTrail'], source: ['aws.kms'] };
  // A user or the root user has no session, and is on no list.
  const but = (roles: readonly string[]): Pattern => ({
    $or: [
      {
        userIdentity: {
          sessionContext: { sessionIssuer: { arn: [{ 'anything-but': [...roles] }] } },
        },
      },
      { userIdentity: { sessionContext: { sessionIssuer: { arn: [{ exists: false }] } } } },
    ],
  });
  const asked = { requestParameters: { secretId } };
  const onKey = { resources: { ARN: [keyArn] } };
  return {
    reads: {
      ...secrets,
      detail: {
        eventName: ['GetSecretValue'],
        ...asked,
        ...but(readingRoles(aws)),
      },
    },
    policies: {
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: {
        $or: [
          { eventName: ['PutResourcePolicy', 'DeleteResourcePolicy'], ...asked },
          { eventName: ['PutKeyPolicy', 'CreateGrant'], ...onKey },
        ],
      },
    },
    deletions: {
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: {
        $or: [
          { eventName: ['DeleteSecret'], ...asked },
          { eventName: ['ScheduleKeyDeletion', 'DisableKey'], ...onKey },
        ],
      },
    },
    decrypts: {
      ...keys,
      detail: { eventName: ['Decrypt'], errorCode: [{ exists: true }], ...onKey },
    },
  };
}

const descriptions = {
  reads: 'Reads of the secrets of Hummingbot by anyone who is not on the list',
  policies: 'Changes of who may read the secrets of Hummingbot',
  deletions: 'Deletions of the secrets of Hummingbot, or of their key',
  decrypts: 'Refused decrypts with the key of the secrets of Hummingbot',
} as const;

/** Who, what and when: names and an address, of the event's own words only. */
const transformer = {
  inputPaths: {
    name: '$.detail.eventName',
    who: '$.detail.userIdentity.arn',
    from: '$.detail.sourceIPAddress',
    at: '$.detail.eventTime',
    error: '$.detail.errorCode',
  },
  inputTemplate: '"<name> by <who> from <from> at <at> <error>"',
};

/** Needs a trail of management events in the region, and a topic that events.amazonaws.com may publish to. */
export class AuditAlerts extends pulumi.ComponentResource {
  constructor(name: string, args: AuditAlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('hummingbot-secrets:access:AuditAlerts', name, {}, opts);
    for (const kind of ['reads', 'policies', 'deletions', 'decrypts'] as const) {
      const rule = new EventRule(
        `${name}-${kind}`,
        {
          name: `${args.name}-${kind}`,
          description: descriptions[kind],
          state: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS',
          eventPattern: args.keyArn.apply((key) =>
            JSON.stringify(patternsOf(args.aws, args.secretNames, key)[kind]),
          ),
          tags: { environment: args.environment },
        },
        { parent: this },
      );
      new EventTarget(
        `${name}-${kind}-topic`,
        { rule: rule.name, targetId: 'topic', arn: args.topic, inputTransformer: transformer },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
