/** `aws:iam/role:Role`, after iam/role.go. */
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  type Role as FoundRole,
  GetRoleCommand,
  GetRolePolicyCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
  UpdateRoleDescriptionCommand,
} from '@aws-sdk/client-iam';
import { type Call, isObject, type Properties } from '../../../plugins/provider-server.ts';
import { retryWhen } from './attempts.ts';
import { flag, json, pattern, text, whole } from './attributes.ts';
import { AwsError } from './errors.ts';
import { normalized, policiesAreEquivalent, policyToKeep } from './policy.ts';
import { AwsResource } from './resource.ts';
import { tagAttributes, tagChanges, tagList, tagsFound } from './tags.ts';

interface InlinePolicy {
  readonly name: string;
  readonly policy: string;
}

/** Principals of a trust policy that were made a moment ago are not known everywhere yet. */
const isNewPrincipal = (error: unknown): boolean =>
  error instanceof AwsError && error.is('MalformedPolicyDocument', 'Invalid principal in policy');

export const isMissing = (error: unknown): boolean =>
  error instanceof AwsError && /^NoSuchEntity(?:Exception)?$/u.test(error.code);

export class Role extends AwsResource {
  protected override readonly noun = 'IAM Role';
  protected override readonly autoName = { longest: 64 };
  protected override readonly attributes = {
    arn: {},
    assumeRolePolicy: {
      input: 'required',
      mistake: json,
      same: (old, now) => policiesAreEquivalent(String(old), String(now)),
    },
    createDate: {},
    description: { input: 'optional', mistake: text },
    forceDetachPolicies: { input: 'optional', default: false, mistake: flag },
    inlinePolicies: {
      input: 'optional',
      computed: true,
      mistake: (value) =>
        Array.isArray(value) && value.every(isObject) ? undefined : 'allowed: a list of policies',
      same: samePolicies,
    },
    managedPolicyArns: {},
    maxSessionDuration: { input: 'optional', default: 3600, mistake: whole(3600, 43_200) },
    name: {
      input: 'optional',
      computed: true,
      replaces: true,
      mistake: pattern(/^[\w+=,.@-]{1,64}$/u, '1 to 64 letters, digits and any of +=,.@_-'),
    },
    path: { input: 'optional', default: '/', replaces: true, mistake: text },
    permissionsBoundary: { input: 'optional', mistake: text },
    uniqueId: {},
    ...tagAttributes,
  } as const satisfies AwsResource['attributes'];

  protected override async make(
    inputs: Properties,
    made: (id: string) => void,
    call: Call,
  ): Promise<void> {
    const RoleName = String(inputs.name);
    const command = new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: normalized(String(inputs.assumeRolePolicy)),
      Path: String(inputs.path),
      MaxSessionDuration: Number(inputs.maxSessionDuration),
      Tags: tagList(inputs),
      ...(inputs.description ? { Description: String(inputs.description) } : {}),
      ...(inputs.permissionsBoundary
        ? { PermissionsBoundary: String(inputs.permissionsBoundary) }
        : {}),
    });
    await retryWhen(call, isNewPrincipal, () => this.account.iam().send(command));
    made(RoleName);
    await this.#putInline(RoleName, inlineOf(inputs));
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    const role = await this.#find(id);
    if (role === undefined) return undefined;
    const trust = decodeURIComponent(role.AssumeRolePolicyDocument ?? '');
    const inline = await this.#inlineFound(id);
    return {
      arn: role.Arn,
      assumeRolePolicy: policyToKeep(state.assumeRolePolicy, trust),
      createDate: role.CreateDate?.toISOString().replace(/\.\d+Z$/u, 'Z'),
      description: role.Description ?? '',
      forceDetachPolicies: state.forceDetachPolicies,
      inlinePolicies: samePolicies(state.inlinePolicies, inline) ? state.inlinePolicies : inline,
      managedPolicyArns: await this.#attached(id),
      maxSessionDuration: role.MaxSessionDuration,
      name: role.RoleName,
      path: role.Path,
      permissionsBoundary: role.PermissionsBoundary?.PermissionsBoundaryArn ?? '',
      uniqueId: role.RoleId,
      ...tagsFound(role.Tags ?? [], this.account.defaultTags, state),
    };
  }

  protected override async change(
    id: string,
    olds: Properties,
    news: Properties,
    call: Call,
  ): Promise<void> {
    const iam = this.account.iam();
    const RoleName = id;
    if (this.changed('assumeRolePolicy', olds, news)) {
      const PolicyDocument = normalized(String(news.assumeRolePolicy));
      const command = new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument });
      await retryWhen(call, isNewPrincipal, () => iam.send(command));
    }
    if (this.changed('description', olds, news)) {
      const Description = String(news.description ?? '');
      await iam.send(new UpdateRoleDescriptionCommand({ RoleName, Description }));
    }
    if (this.changed('maxSessionDuration', olds, news)) {
      const MaxSessionDuration = Number(news.maxSessionDuration);
      await iam.send(new UpdateRoleCommand({ RoleName, MaxSessionDuration }));
    }
    if (this.changed('permissionsBoundary', olds, news)) {
      const PermissionsBoundary = String(news.permissionsBoundary ?? '');
      await (PermissionsBoundary === ''
        ? iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName }))
        : iam.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary })));
    }
    if (this.changed('inlinePolicies', olds, news)) {
      const [old, now] = [inlineOf(olds), inlineOf(news)];
      for (const { name } of old.filter((each) => !now.some(({ name }) => name === each.name))) {
        await this.#removeInline(id, name);
      }
      await this.#putInline(id, now);
    }
    const { set, gone } = tagChanges(olds, news);
    if (gone.length > 0) await iam.send(new UntagRoleCommand({ RoleName, TagKeys: gone }));
    if (set.length > 0) await iam.send(new TagRoleCommand({ RoleName, Tags: set }));
  }

  protected override async remove(id: string, state: Properties, call: Call): Promise<void> {
    const iam = this.account.iam();
    if (!(await this.#find(id))) return;
    const force = state.forceDetachPolicies === true;
    if (force || !isEmptyList(state.managedPolicyArns)) {
      for (const PolicyArn of await this.#attached(id)) {
        await iam.send(new DetachRolePolicyCommand({ RoleName: id, PolicyArn }));
      }
    }
    if (force || inlineOf(state).length > 0) {
      for (const { name } of await this.#inlineFound(id)) await this.#removeInline(id, name);
    }
    const conflicts = (error: unknown): boolean =>
      error instanceof AwsError && /^DeleteConflict(?:Exception)?$/u.test(error.code);
    try {
      await retryWhen(call, conflicts, () => iam.send(new DeleteRoleCommand({ RoleName: id })));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /**
   * What the function `aws:iam/getRole` says, after iam/role_data_source.go.
   * @throws AwsError NoSuchEntity
   */
  async found(name: string): Promise<Properties> {
    const { Role: role } = await this.account.iam().send(new GetRoleCommand({ RoleName: name }));
    const second = (date: Date | undefined) => date?.toISOString().replace(/\.\d+Z$/u, 'Z');
    const { LastUsedDate, Region } = role?.RoleLastUsed ?? {};
    return {
      arn: role?.Arn,
      assumeRolePolicy: decodeURIComponent(role?.AssumeRolePolicyDocument ?? ''),
      createDate: second(role?.CreateDate),
      description: role?.Description ?? '',
      id: name,
      maxSessionDuration: role?.MaxSessionDuration,
      name,
      path: role?.Path,
      permissionsBoundary: role?.PermissionsBoundary?.PermissionsBoundaryArn ?? '',
      roleLastUseds: LastUsedDate ? [{ lastUsedDate: second(LastUsedDate), region: Region }] : [],
      tags: Object.fromEntries((role?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      uniqueId: role?.RoleId,
    };
  }

  async #find(RoleName: string): Promise<FoundRole | undefined> {
    try {
      return (await this.account.iam().send(new GetRoleCommand({ RoleName }))).Role;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #attached(RoleName: string): Promise<readonly string[]> {
    const found: string[] = [];
    const pages = paginateListAttachedRolePolicies({ client: this.account.iam() }, { RoleName });
    for await (const { AttachedPolicies = [] } of pages) {
      found.push(...AttachedPolicies.map(({ PolicyArn = '' }) => PolicyArn));
    }
    return found;
  }

  async #inlineFound(RoleName: string): Promise<readonly InlinePolicy[]> {
    const found: InlinePolicy[] = [];
    const client = this.account.iam();
    for await (const { PolicyNames = [] } of paginateListRolePolicies({ client }, { RoleName })) {
      for (const PolicyName of PolicyNames) {
        const command = new GetRolePolicyCommand({ RoleName, PolicyName });
        const { PolicyDocument = '' } = await client.send(command);
        const policy = normalized(decodeURIComponent(PolicyDocument));
        found.push({ name: PolicyName, policy });
      }
    }
    return found;
  }

  async #putInline(RoleName: string, policies: readonly InlinePolicy[]): Promise<void> {
    for (const { name: PolicyName, policy: PolicyDocument } of policies) {
      const input = { RoleName, PolicyName, PolicyDocument };
      await this.account.iam().send(new PutRolePolicyCommand(input));
    }
  }

  async #removeInline(RoleName: string, PolicyName: string): Promise<void> {
    try {
      await this.account.iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

/** An entry without a name or a policy says "no inline policies", and is none. */
function inlineOf({ inlinePolicies }: Properties): readonly InlinePolicy[] {
  if (!Array.isArray(inlinePolicies)) return [];
  return (inlinePolicies as readonly Partial<InlinePolicy>[]).flatMap(({ name, policy }) =>
    name && policy ? [{ name, policy }] : [],
  );
}

function samePolicies(old: unknown, now: unknown): boolean {
  const [a, b] = [inlineOf({ inlinePolicies: old }), inlineOf({ inlinePolicies: now })];
  return (
    a.length === b.length &&
    a.every(({ name, policy }) => {
      const other = b.find((each) => each.name === name)?.policy;
      return other !== undefined && policiesAreEquivalent(policy, other);
    })
  );
}

function isEmptyList(value: unknown): boolean {
  return !Array.isArray(value) || value.length === 0;
}
