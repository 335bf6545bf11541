/** `aws:iam/rolePolicy:RolePolicy`, after iam/role_policy.go. */
import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { PluginError, type Properties } from '../../../plugins/provider-server.ts';
import { json, pattern, text } from './attributes.ts';
import { policiesAreEquivalent, policyToKeep } from './policy.ts';
import { AwsResource } from './resource.ts';
import { isMissing } from './role.ts';

/** IAM counts an inline policy's characters without white space. */
const mostCharacters = 10_240;

export class RolePolicy extends AwsResource {
  protected override readonly noun = 'IAM Role Policy';
  protected override readonly autoName = { longest: 128 };
  protected override readonly attributes = {
    name: {
      input: 'optional',
      computed: true,
      replaces: true,
      mistake: pattern(/^[\w+=,.@-]{1,128}$/u, '1 to 128 letters, digits and any of +=,.@_-'),
    },
    policy: {
      input: 'required',
      mistake: (value) =>
        String(value).replaceAll(/\s/gu, '').length > mostCharacters
          ? `allowed: at most ${mostCharacters} characters`
          : json(value),
      same: (old, now) => policiesAreEquivalent(String(old), String(now)),
    },
    role: { input: 'required', replaces: true, mistake: text },
  } as const satisfies AwsResource['attributes'];

  protected override async make(inputs: Properties, made: (id: string) => void): Promise<void> {
    const { role, name } = inputs;
    await this.#put(String(role), String(name), inputs);
    made(`${role}:${name}`);
  }

  protected override async look(id: string, state: Properties): Promise<Properties | undefined> {
    const [role, name] = partsOf(id);
    const command = new GetRolePolicyCommand({ RoleName: role, PolicyName: name });
    try {
      const { PolicyDocument = '' } = await this.account.iam().send(command);
      const policy = policyToKeep(state.policy, decodeURIComponent(PolicyDocument));
      return { name, policy, role };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  protected override async change(id: string, _olds: Properties, news: Properties): Promise<void> {
    await this.#put(...partsOf(id), news);
  }

  protected override async remove(id: string): Promise<void> {
    const [RoleName, PolicyName] = partsOf(id);
    try {
      await this.account.iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #put(RoleName: string, PolicyName: string, { policy }: Properties): Promise<void> {
    const input = { RoleName, PolicyName, PolicyDocument: String(policy) };
    await this.account.iam().send(new PutRolePolicyCommand(input));
  }
}

function partsOf(id: string): readonly [string, string] {
  const at = id.indexOf(':');
  if (at < 1) {
    throw new PluginError(
      `role_policy id must be of the form <role name>:<policy name>: got ${id}`,
    );
  }
  return [id.slice(0, at), id.slice(at + 1)];
}
