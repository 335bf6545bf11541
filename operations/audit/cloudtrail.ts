/**
 * CloudTrail's files (`{"Records": [...]}`), what `aws cloudtrail lookup-events` prints, and events a
 * line. They hold no value: of a read there are no response elements, of a write the string is left out.
 */
import type { Readable } from 'node:stream';
import { type GroupName, groupNames } from '../../components/catalog.ts';
import { type Deed, isObject, type Line, nameIn, objectIn, other, unknown } from './event.ts';
import { keyIdIn } from './keys.ts';

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
const secretsManager = 'secretsmanager.amazonaws.com';
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
    eventSource === secretsManager
      ? secretOf(verb, asked, prefix)
      : eventSource === 'kms.amazonaws.com'
        ? keyOf(verb, asked, keyIn(record), refused, prefix)
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
  readonly group?: GroupName | undefined;
  readonly isKey?: true;
}

function secretOf(
  verb: string,
  asked: Readonly<Record<string, unknown>>,
  prefix: string,
): About | undefined {
  const deed = Object.hasOwn(secretDeeds, verb) ? secretDeeds[verb] : undefined;
  if (deed === undefined) return undefined;
  const ids = [asked.secretId, ...(Array.isArray(asked.secretIdList) ? asked.secretIdList : [])];
  const group = groupIn(ids, prefix);
  return group && { deed, what: `${prefix}/${group}`, group };
}

function groupIn(ids: readonly unknown[], prefix: string): GroupName | undefined {
  return groupNames.find((each) => ids.some((id) => isSecret(String(id), `${prefix}/${each}`)));
}

/** A name, or an ARN of it with six letters behind. */
function isSecret(id: string, name: string): boolean {
  return (
    id === name ||
    (id.startsWith('arn:') && id.split(':secret:')[1]?.replace(/-\w{6}$/u, '') === name)
  );
}

/** Of the secret that a key is used for. */
function contextGroup(
  asked: Readonly<Record<string, unknown>>,
  prefix: string,
): GroupName | undefined {
  const context = isObject(asked.encryptionContext) ? asked.encryptionContext : {};
  return groupIn([context.SecretARN ?? context['aws:secretsmanager:arn']], prefix);
}

function keyOf(
  verb: string,
  asked: Readonly<Record<string, unknown>>,
  key: string | undefined,
  refused: boolean,
  prefix: string,
): About | undefined {
  const group = contextGroup(asked, prefix);
  if (verb === 'Decrypt') {
    return refused && group ? { deed: 'decrypt', what: `${prefix}/${group}`, group } : undefined;
  }
  const deed = Object.hasOwn(keyDeeds, verb) ? keyDeeds[verb] : undefined;
  return deed && { deed, what: `key ${nameIn(key ?? asked.keyId)}`, isKey: true };
}

/** The ARN of the key that a record of KMS is about. */
function keyIn({ resources }: Readonly<Record<string, unknown>>): string | undefined {
  return (Array.isArray(resources) ? resources : [])
    .map((each) => String(isObject(each) ? each.ARN : ''))
    .find((each) => keyIdIn(each) !== undefined);
}

/** @returns the key that encrypts a secret of ours, where a record says so */
export function ownKeyIn(record: unknown, prefix: string): unknown {
  if (!isObject(record) || !isObject(record.requestParameters)) return undefined;
  const { eventSource, sourceIPAddress, eventName, errorCode, requestParameters: asked } = record;
  if (eventSource === secretsManager) {
    const isMade = ['CreateSecret', 'UpdateSecret'].includes(String(eventName)) && !errorCode;
    const isOurs = groupIn([asked.name, asked.secretId], prefix) !== undefined;
    return isMade && isOurs ? asked.kmsKeyId : undefined;
  }
  // Others may name our secret beside a key of theirs; the service does not.
  if (eventSource !== 'kms.amazonaws.com' || sourceIPAddress !== secretsManager) return undefined;
  return contextGroup(asked, prefix) && keyIn(record);
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
