/**
 * CloudTrail's files (`{"Records": [...]}`), what `aws cloudtrail lookup-events` prints, and events a
 * line. They hold no value: of a read there are no response elements, of a write the string is left out.
 */
import type { Readable } from 'node:stream';
import { groupNames } from '../../components/catalog.ts';
import { type Deed, isObject, type Line, nameIn, objectIn, other, unknown } from './event.ts';

/** Bytes; CloudTrail's own files are far smaller. */
const largest = 256 * 1024 * 1024;

const secretDeeds: Readonly<Record<string, Deed>> = {
  GetSecretValue: 'read',
  BatchGetSecretValue: 'read',
  PutSecretValue: 'change',
  UpdateSecret: 'change',
  DeleteSecret: 'change',
  RestoreSecret: 'change',
  UpdateSecretVersionStage: 'change',
  ReplicateSecretToRegions: 'change',
  PutResourcePolicy: 'rights',
  DeleteResourcePolicy: 'rights',
};
const keyDeeds: Readonly<Record<string, Deed>> = {
  PutKeyPolicy: 'rights',
  CreateGrant: 'rights',
  ScheduleKeyDeletion: 'change',
  DisableKey: 'change',
};

/** @returns undefined when there is more than such a file has */
export async function wholeOf(stream: Readable): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

export interface Records {
  /** Undefined where one is not whole. */
  readonly records: readonly unknown[];
  /** What somebody looked up: with no event before the first, nothing was done. */
  readonly isLookup: boolean;
}

/** Of whatever form. */
export function recordsIn(text: string): Records {
  const whole = objectIn(text);
  if (whole === undefined)
    return logOf(
      text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(objectIn),
    );
  if (Array.isArray(whole.Records)) return logOf(whole.Records);
  if (!Array.isArray(whole.Events)) return logOf([whole]);
  const records = whole.Events.map((each: unknown) =>
    isObject(each) && typeof each.CloudTrailEvent === 'string'
      ? objectIn(each.CloudTrailEvent)
      : each,
  );
  return { records, isLookup: true };
}

function logOf(records: readonly unknown[]): Records {
  return { records, isLookup: false };
}

export function cloudTrailEvent(record: unknown, prefix: string): Line {
  if (!isObject(record) || typeof record.eventSource !== 'string') return unknown;
  const { eventSource, eventName, eventTime, errorCode, sourceIPAddress } = record;
  const asked = isObject(record.requestParameters) ? record.requestParameters : {};
  const verb = String(eventName);
  const refused = typeof errorCode === 'string' && errorCode !== '';
  const found =
    eventSource === 'secretsmanager.amazonaws.com'
      ? secretOf(verb, asked, prefix)
      : eventSource === 'kms.amazonaws.com'
        ? keyOf(verb, asked, refused, prefix)
        : undefined;
  if (found === undefined) return other;
  const { who, also } = whoIn(record.userIdentity);
  return {
    kind: 'event',
    event: {
      system: 'AWS',
      at: Date.parse(String(eventTime)),
      who,
      also,
      verb: nameIn(verb),
      from: nameIn(sourceIPAddress ?? ''),
      refused,
      ...found,
    },
  };
}

interface About {
  readonly deed: Deed;
  readonly what: string;
  readonly group?: (typeof groupNames)[number] | undefined;
}

function secretOf(
  verb: string,
  asked: Readonly<Record<string, unknown>>,
  prefix: string,
): About | undefined {
  const deed = Object.hasOwn(secretDeeds, verb) ? secretDeeds[verb] : undefined;
  if (deed === undefined) return undefined;
  const ids = [asked.secretId, ...(Array.isArray(asked.secretIdList) ? asked.secretIdList : [])];
  const group = groupNames.find((each) =>
    ids.some((id) => isSecret(String(id), `${prefix}/${each}`)),
  );
  return group && { deed, what: `${prefix}/${group}`, group };
}

/** A name, or an ARN of it with six letters behind. */
function isSecret(id: string, name: string): boolean {
  return (
    id === name ||
    (id.startsWith('arn:') && id.split(':secret:')[1]?.replace(/-\w{6}$/u, '') === name)
  );
}

function keyOf(
  verb: string,
  asked: Readonly<Record<string, unknown>>,
  refused: boolean,
  prefix: string,
): About | undefined {
  const context = isObject(asked.encryptionContext) ? asked.encryptionContext : {};
  const arn = String(context.SecretARN ?? context['aws:secretsmanager:arn'] ?? '');
  const group = groupNames.find((each) => isSecret(arn, `${prefix}/${each}`));
  if (verb === 'Decrypt') {
    return refused && group ? { deed: 'decrypt', what: `${prefix}/${group}`, group } : undefined;
  }
  const deed = Object.hasOwn(keyDeeds, verb) ? keyDeeds[verb] : undefined;
  return deed && { deed, what: `key ${nameIn(asked.keyId)}` };
}

/** The role behind a session, a user, or a service. */
function whoIn(identity: unknown): { readonly who: string; readonly also: readonly string[] } {
  if (!isObject(identity)) return { who: '(nobody)', also: [] };
  const { arn, invokedBy, sessionContext } = identity;
  const issuer =
    isObject(sessionContext) && isObject(sessionContext.sessionIssuer)
      ? sessionContext.sessionIssuer.arn
      : undefined;
  const who = issuer ?? arn ?? invokedBy;
  return { who: nameIn(who), also: arn === undefined ? [] : [nameIn(arn)] };
}
