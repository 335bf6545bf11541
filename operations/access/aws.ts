/** Who may read the secrets in AWS, by what the account says, against the roles of the settings. */
import { trust as readerTrust } from '../../components/access/iam.ts';
import { readingRoles, roleArn, viaService } from '../../components/delivery/aws-rules.ts';
import type { AwsAccount } from '../../components/systems.ts';
import type { AccountRights, Identity, KeyRights, StoredSecret } from './account.ts';
import { strangersIn } from './aws-trust.ts';
import type { Finding } from './finding.ts';
import type { Context } from './iam-condition.ts';
import { type Decision, decide, type Holder } from './iam-decision.ts';
import { type Policy, parsePolicy } from './iam-policy.ts';

export interface AwsScope {
  readonly aws: AwsAccount;
  readonly stack: string;
  readonly namespace: string;
  /** ARNs. */
  readonly administrators: readonly string[];
}

const system = 'AWS';

/** No condition on it could be met by chance: whoever is not listed is treated like it. */
const nobodyName = 'hummingbot-access-review-nobody';

const everything: Policy = {
  name: 'everything',
  statements: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

export function lookAtAccount(rights: AccountRights, scope: AwsScope): readonly Finding[] {
  const review = new AccountReview(rights, scope);
  return [
    ...rights.secrets.flatMap((secret) => review.openToAnybody(secret)),
    ...rights.identities.flatMap((identity) => review.of(identity)),
    ...rights.keys.flatMap((key) => review.grantsOf(key)),
    ...review.trust(),
  ];
}

class AccountReview {
  readonly #rights: AccountRights;
  readonly #scope: AwsScope;
  readonly #readers: ReadonlySet<string>;
  readonly #deployers: ReadonlySet<string>;
  readonly #administrators: ReadonlySet<string>;
  readonly #open: ReadonlySet<string>;
  readonly #keys: ReadonlyMap<string, KeyRights>;

  constructor(rights: AccountRights, scope: AwsScope) {
    this.#rights = rights;
    this.#scope = scope;
    this.#readers = new Set(readingRoles(scope.aws));
    this.#deployers = new Set(scope.aws.deployRoles);
    this.#administrators = new Set(scope.administrators);
    this.#keys = new Map(rights.keys.map((key) => [key.arn, key]));
    this.#open = new Set(
      rights.secrets.filter((secret) => this.#isOpen(secret)).map(({ name }) => name),
    );
  }

  /** Whether a principal that nobody lists, with every right of its own, would be refused. */
  #isOpen(secret: StoredSecret): boolean {
    const { account } = this.#scope.aws;
    const arn = roleArn(account, nobodyName);
    return this.#reads({ arn, account, policies: [everything] }, secret).denied !== 'yes';
  }

  openToAnybody(secret: StoredSecret): readonly Finding[] {
    const stranger: Holder = {
      arn: 'arn:aws:iam::000000000000:role/x',
      account: '000000000000',
      policies: [everything],
    };
    const findings: Finding[] = [];
    if (this.#reads(stranger, secret).allowed !== 'no') {
      const { cause } = this.#reads(stranger, secret);
      const closed = this.#decrypts(stranger, secret).allowed === 'no';
      const way = `GetSecretValue${closed ? ', which the key policy alone stops' : ''}`;
      findings.push(this.#difference('anybody, of any account', way, secret, cause));
    }
    if (this.#open.has(secret.name)) {
      const cause =
        secret.policy === undefined
          ? `no resource policy of ${secret.name}`
          : `resource policy of ${secret.name}: no statement denies reads to all but the listed roles`;
      findings.push(
        this.#difference('whoever of the account IAM lets read', 'GetSecretValue', secret, cause),
      );
    }
    return findings;
  }

  of(identity: Identity): readonly Finding[] {
    const rights = this.#rights.secrets.flatMap((secret) => [
      ...this.#readingOf(identity, secret),
      ...['PutResourcePolicy', 'DeleteResourcePolicy'].flatMap((action) =>
        this.#changing(
          identity,
          `secretsmanager:${action}`,
          secret.arn,
          secret.name,
          secret.policy,
        ),
      ),
    ]);
    const keys = this.#rights.keys.flatMap(({ arn, policy }) =>
      policy === undefined
        ? []
        : ['PutKeyPolicy', 'CreateGrant'].flatMap((action) =>
            this.#changing(identity, `kms:${action}`, arn, undefined, policy, true),
          ),
    );
    return [...rights, ...keys, ...this.#becoming(identity), ...this.#widening(identity)];
  }

  /** Ways to be somebody who reads. */
  #becoming(identity: Identity): readonly Finding[] {
    return this.#rights.identities
      .filter(({ arn }) => arn !== identity.arn)
      .filter(({ arn }) => this.#readers.has(arn) || this.#administrators.has(arn))
      .flatMap(({ arn, trust }) =>
        arn.includes(':role/')
          ? [
              ...this.#changing(identity, 'sts:AssumeRole', arn, undefined, trust, true),
              ...this.#changing(identity, 'iam:UpdateAssumeRolePolicy', arn),
            ]
          : ['CreateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile'].flatMap((action) =>
              this.#changing(identity, `iam:${action}`, arn),
            ),
      );
  }

  /** Ways to give itself more. */
  #widening(identity: Identity): readonly Finding[] {
    const { arn, groups = [], managed = [], boundary } = identity;
    const kind = arn.includes(':role/') ? 'Role' : 'User';
    const joining = kind === 'User' ? this.#rights.groups : [];
    const ways: readonly (readonly [action: string, resource: string, as?: Identity])[] = [
      [`Put${kind}Policy`, arn],
      [`Attach${kind}Policy`, arn],
      ...groups.flatMap(
        (group) =>
          [
            ['PutGroupPolicy', group],
            ['AttachGroupPolicy', group],
          ] as const,
      ),
      ...managed.flatMap(
        (policy) =>
          [
            ['CreatePolicyVersion', policy.arn],
            // With one version there is no other that it could be set to.
            ...(policy.versions > 1 ? ([['SetDefaultPolicyVersion', policy.arn]] as const) : []),
          ] as const,
      ),
      ...joining
        .filter((group) => !groups.includes(group.arn))
        .map(({ arn: group, policies }) => {
          const joined = { ...identity, policies: [...identity.policies, ...policies] };
          return ['AddUserToGroup', group, joined] as const;
        }),
      ...(boundary === undefined ? [] : ['Delete', 'Put']).map(
        (verb) =>
          [
            `${verb}${kind}PermissionsBoundary`,
            arn,
            { ...identity, boundary: everything },
          ] as const,
      ),
    ];
    return ways.flatMap(([action, resource, as]) => {
      const found = this.#changing(identity, `iam:${action}`, resource);
      return found.length === 0 || as === undefined || this.#gains(identity, as) ? found : [];
    });
  }

  /** Whether it could do more about the secrets if it were otherwise. */
  #gains(identity: Identity, other: Identity): boolean {
    const may = (one: Identity): readonly string[] =>
      this.#rights.secrets.flatMap((secret) => [
        ...(this.#granted(one, secret) === undefined ? [] : [`read ${secret.name}`]),
        ...this.#changing(
          one,
          'secretsmanager:PutResourcePolicy',
          secret.arn,
          undefined,
          secret.policy,
        ).map(() => `open ${secret.name}`),
      ]);
    const before = may(identity);
    return may(other).some((each) => !before.includes(each));
  }

  #readingOf(identity: Identity, secret: StoredSecret): readonly Finding[] {
    const read = this.#reads(identity, secret);
    const { arn } = identity;
    if (read.allowed !== 'no') {
      const decrypt = this.#decrypts(identity, secret);
      // Without the key the store gives nothing.
      if (decrypt.allowed === 'no') return [];
      const conditional = read.allowed === 'maybe' || decrypt.allowed === 'maybe';
      const way = `GetSecretValue${conditional ? ', under a condition' : ''}`;
      const expected = this.#whyRead(arn);
      return [
        this.#finding(
          arn,
          way,
          [secret.name],
          expected,
          `${read.cause}; kms:Decrypt by ${decrypt.cause}`,
        ),
      ];
    }
    const may = this.#granted(identity, secret);
    if (read.denied === 'yes' && may !== undefined && this.#whyRead(arn) === undefined) {
      const way = 'GetSecretValue, which the resource policy alone denies';
      return [this.#finding(arn, way, [secret.name], undefined, may)];
    }
    const isExempt = read.denied !== 'yes' && !this.#open.has(secret.name);
    if (!isExempt || this.#whyRead(arn) !== undefined) return [];
    const cause = `resource policy of ${secret.name}: exempt from its deny`;
    return [
      this.#finding(arn, 'GetSecretValue once IAM allows it', [secret.name], undefined, cause),
    ];
  }

  /** The statement of its own that would let it read, if the secret's policy denied nothing. */
  #granted(identity: Identity, secret: StoredSecret): string | undefined {
    const read = decide(
      identity,
      this.#request(identity, secret, 'secretsmanager:GetSecretValue', secret.arn),
      undefined,
      false,
    );
    const decrypt = this.#decrypts(identity, secret);
    if (read.allowed === 'no' || decrypt.allowed === 'no') return undefined;
    return `${read.cause}; kms:Decrypt by ${decrypt.cause}`;
  }

  #reads(holder: Holder, secret: StoredSecret): Decision {
    const request = this.#request(holder, secret, 'secretsmanager:GetSecretValue', secret.arn);
    return decide(holder, request, secret.policy, false);
  }

  #decrypts(holder: Holder, secret: StoredSecret): Decision {
    const key = this.#keys.get(secret.keyArn);
    // The account's own default key lets whoever may read a secret.
    if (key === undefined) return { allowed: 'yes', cause: 'aws/secretsmanager', denied: 'no' };
    const request = this.#request(holder, secret, 'kms:Decrypt', key.arn);
    const grant = key.grants.find(({ grantee }) => grantee === holder.arn);
    const decision: Decision =
      key.policy === undefined
        ? { allowed: 'maybe', cause: 'a key policy that was not answered', denied: 'no' }
        : decide(holder, request, key.policy, true);
    if (grant === undefined || decision.allowed === 'yes') return decision;
    return { allowed: 'yes', cause: `grant ${grant.id}`, denied: 'no' };
  }

  #changing(
    identity: Identity,
    action: string,
    resource: string,
    secret?: string,
    policy?: Policy,
    delegates = false,
  ): readonly Finding[] {
    const request = { action, resource, context: this.#context(identity, undefined) };
    const { allowed, cause } = decide(identity, request, policy, delegates);
    if (allowed === 'no') return [];
    const { arn } = identity;
    const expected = this.#deployers.has(arn)
      ? 'deployRoles'
      : this.#administrators.has(arn)
        ? 'administrators'
        : undefined;
    const isOther = /^(?:sts|iam):/u.test(action) && resource !== arn;
    const target = isOther ? ` of ${resource}` : '';
    const way = `${action}${target}${allowed === 'maybe' ? ', under a condition' : ''}`;
    return [this.#finding(arn, way, secret === undefined ? [] : [secret], expected, cause)];
  }

  /** Grants let somebody decrypt whom no policy names. */
  grantsOf({ grants, arn }: KeyRights): readonly Finding[] {
    return grants
      .filter(({ grantee }) => this.#whyRead(grantee) === undefined)
      .map(({ grantee, id }) => ({
        system,
        who: grantee,
        way: 'kms:Decrypt',
        secrets: [],
        cause: `grant ${id} of the key`,
        fix: `aws kms revoke-grant --key-id ${arn} --grant-id ${id}`,
      }));
  }

  /** The operator's role is one service account's and nobody else's; the others are their account's. */
  trust(): readonly Finding[] {
    return this.#rights.identities.flatMap(({ arn, trust }) => {
      if (trust === undefined) return [];
      const { aws } = this.#scope;
      if (arn === roleArn(aws.account, aws.readerRole)) return this.#trustOfReader(trust);
      return this.#readers.has(arn) || this.#administrators.has(arn)
        ? this.#trustOf(arn, trust)
        : [];
    });
  }

  #trustOfReader(trust: Policy): readonly Finding[] {
    const { aws, namespace, stack } = this.#scope;
    const right = parsePolicy('', readerTrust(aws, namespace)).statements.map(spelled);
    return trust.statements
      .filter((each) => !right.includes(spelled(each)))
      .map((statement) => ({
        system,
        who: roleArn(aws.account, aws.readerRole),
        way: `be taken by ${spelled(statement.Principal)}`,
        secrets: [],
        cause: `trust policy, statement ${statement.Sid ?? '(no Sid)'}`,
        fix: `npm start -- --stack ${stack}`,
      }));
  }

  #trustOf(arn: string, trust: Policy): readonly Finding[] {
    return strangersIn(trust, this.#scope.aws.account).map(
      ({ principal, isConditional, cause, mend }) => {
        const expected = this.#administrators.has(principal) ? 'administrators' : undefined;
        const out = `take it out of ${cause.replace(/, statement .*$/u, '')}`;
        return {
          system,
          who: arn,
          way: `be taken by ${principal}${isConditional ? ', under a condition' : ''}`,
          secrets: [],
          expected,
          cause,
          fix: expected === undefined ? [mend, out].filter(Boolean).join(', or ') : '',
        };
      },
    );
  }

  #whyRead(arn: string): string | undefined {
    const { aws } = this.#scope;
    if (arn === roleArn(aws.account, aws.readerRole)) return "the operator's role";
    if (this.#deployers.has(arn)) return 'deployRoles';
    if (this.#readers.has(arn)) return 'breakGlassRoles';
    return this.#administrators.has(arn) ? 'administrators' : undefined;
  }

  #difference(who: string, way: string, { name }: StoredSecret, cause: string): Finding {
    const fix = `npm start -- --stack ${this.#scope.stack}`;
    return { system, who, way, secrets: [name], cause, fix };
  }

  #finding(
    who: string,
    way: string,
    secrets: readonly string[],
    expected: string | undefined,
    cause: string,
  ): Finding {
    const fix = `take it out of ${cause.replace(/, statement .*$/u, '')}, or list ${who} in administrators`;
    return { system, who, way, secrets, expected, cause, fix: expected === undefined ? fix : '' };
  }

  #request(holder: Holder, secret: StoredSecret, action: string, resource: string) {
    return { action, resource, context: this.#context(holder, secret) };
  }

  /** What a read through the store says of itself; all else a request alone knows. */
  #context({ arn, account }: Holder, secret: StoredSecret | undefined): Context {
    const known: Readonly<Record<string, readonly string[] | undefined>> = {
      'aws:principalarn': [arn],
      'aws:principalaccount': [account],
      'kms:calleraccount': [account],
      'aws:principalisawsservice': ['false'],
      'aws:securetransport': ['true'],
      'aws:principaltype': [arn.includes(':user/') ? 'User' : 'AssumedRole'],
      'kms:viaservice': secret && [viaService(this.#scope.aws.region)],
    };
    return (key) => {
      const name = key.toLowerCase();
      if (Object.hasOwn(known, name)) return known[name];
      const tag = /^(?:aws|secretsmanager):resourcetag\/(.+)$/iu.exec(key)?.[1];
      if (tag === undefined || secret === undefined) return 'unknown';
      const value = secret.tags[tag];
      return value === undefined ? undefined : [value];
    };
  }
}

/** The same text for the same document, whatever the order of its fields. */
function spelled(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : inner,
  );
}
