/** What a killed run may have made in AWS, looked for in a real API (moto): ours, and nobody else's. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Stored } from '../../operations/engine/adoption.ts';
import { idInAws } from '../../operations/engine/made-in-aws.ts';
import { removeAwsCopies } from '../../operations/rotation/aws-copies.ts';
import { StackState } from '../../operations/rotation/stack-state.ts';
import { type AwsServer, startAws } from '../../rehearsal/servers/aws.ts';
import { leaks, makeCanary } from '../canary.ts';

const description = 'Encrypts the secrets below e2e/';
const environment = 'e2e';
const provider = { urn: 'urn:provider', type: 'pulumi:providers:aws', id: '1' };

describe('what a killed run made in AWS', () => {
  const base = mkdtempSync(join(tmpdir(), 'made-in-aws-'));
  const region = 'us-east-1';
  const before_ = { ...process.env };
  const canary = makeCanary('made');
  const printed: string[] = [];
  const { error } = console;
  let aws: AwsServer;
  let kms: KMSClient;
  let secrets: SecretsManagerClient;
  let iam: IAMClient;

  before(async () => {
    aws = await startAws({ directory: base });
    Object.assign(process.env, aws.environment);
    kms = new KMSClient({ region });
    secrets = new SecretsManagerClient({ region });
    iam = new IAMClient({ region });
    console.error = (...words: readonly unknown[]) => printed.push(words.join(' '));
  });
  after(async () => {
    console.error = error;
    for (const client of [kms, secrets, iam]) client.destroy();
    await aws.stop();
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before_);
    rmSync(base, { recursive: true });
  });

  const find = async (
    type: string,
    inputs: Readonly<Record<string, unknown>>,
    resources: readonly Stored[] = [],
  ) =>
    await idInAws(
      { urn: `urn::${type.split(':').at(-1)}`, type, inputs, provider: `${provider.urn}::1` },
      {
        version: 3,
        deployment: { resources: [{ ...provider, inputs: { region } }, ...resources] },
      },
    );

  async function makeKey(tags: Readonly<Record<string, string>>, says = description) {
    const Tags = Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: says, Tags }));
    return KeyMetadata?.KeyId ?? '';
  }

  const keyInputs = { description, tags: { environment } };

  it("a key is not found in an account with others' alone", async () => {
    await makeKey({ environment: 'another' });
    await makeKey({ environment }, 'of somebody else');
    const aliased = await makeKey({ environment });
    const AliasName = 'alias/of-another-stack';
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: aliased }));
    const going = await makeKey({ environment });
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: going }));
    assert.equal(await find('aws:kms/key:Key', keyInputs), undefined);
  });

  it('a key is found by description and tag, among many', async () => {
    for (let at = 0; at < 110; at += 1) await makeKey({}, 'of somebody else');
    const own = await makeKey({ environment, more: 'x' });
    assert.equal(await find('aws:kms/key:Key', keyInputs), own);
    const known = { urn: 'urn::Another', type: 'aws:kms/key:Key', id: own };
    assert.equal(await find('aws:kms/key:Key', keyInputs, [known]), undefined);
  });

  it('an alias is found when it is of our key', async () => {
    const type = 'aws:kms/alias:Alias';
    const [own, another] = [await makeKey({}), await makeKey({})];
    const name = 'alias/e2e-secrets';
    assert.equal(await find(type, { name, targetKeyId: own }), undefined);
    await kms.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: own }));
    assert.equal(await find(type, { name, targetKeyId: own }), name);
    assert.equal(await find(type, { name, targetKeyId: another }), undefined);
  });

  it('a secret is found when it has our tags and our key', async () => {
    const type = 'aws:secretsmanager/secret:Secret';
    const inputs = { name: 'e2e/trading', kmsKeyId: await makeKey({}), tags: { environment } };
    assert.equal(await find(type, inputs), undefined);
    const { ARN } = await secrets.send(
      new CreateSecretCommand({
        Name: inputs.name,
        KmsKeyId: inputs.kmsKeyId,
        Tags: [{ Key: 'environment', Value: environment }],
      }),
    );
    assert.equal(await find(type, inputs), ARN);
    assert.equal(await find(type, { ...inputs, tags: { environment: 'x' } }), undefined);
    assert.equal(await find(type, { ...inputs, kmsKeyId: 'another' }), undefined);
    await secrets.send(new DeleteSecretCommand({ SecretId: ARN }));
    assert.equal(await find(type, inputs), undefined);
  });

  it('a version is the newest', async () => {
    const type = 'aws:secretsmanager/secretVersion:SecretVersion';
    const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'e2e/versions' }));
    const inputs = { secretId: ARN };
    assert.equal(await find(type, inputs), undefined);
    const { VersionId } = await secrets.send(
      new PutSecretValueCommand({ SecretId: ARN, SecretString: canary }),
    );
    assert.equal(await find(type, inputs), `${ARN}|${VersionId}`);
  });

  it('a role is found when it trusts whom ours was to trust', async () => {
    const type = 'aws:iam/role:Role';
    const trust = (account: string): string =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${account}:root` },
            Action: 'sts:AssumeRole',
          },
        ],
      });
    const inputs = { name: 'e2e-reader', assumeRolePolicy: trust('123456789012') };
    assert.equal(await find(type, inputs), undefined);
    await iam.send(
      new CreateRoleCommand({
        RoleName: inputs.name,
        AssumeRolePolicyDocument: inputs.assumeRolePolicy,
      }),
    );
    assert.equal(await find(type, inputs), inputs.name);
    const others = { ...inputs, assumeRolePolicy: trust('210987654321') };
    assert.equal(await find(type, others), undefined);
  });

  it('leaves one labelled version, the one that the state has, when old copies are removed', async () => {
    const put = async (...VersionStages: readonly string[]): Promise<string> => {
      const input = { SecretId: 'e2e/copies', SecretString: canary };
      const stages = VersionStages.length > 0 && { VersionStages: [...VersionStages] };
      return (
        (await secrets.send(new PutSecretValueCommand({ ...input, ...stages }))).VersionId ?? ''
      );
    };
    const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name: 'e2e/copies' }));
    const first = await put();
    await put('AWSPENDING', 'kept-by-somebody');
    const last = await put();
    const stateOf = (version: string): StackState =>
      new StackState({
        version: 3,
        deployment: {
          resources: [
            { ...provider, inputs: { region } },
            {
              urn: 'urn::trading-version',
              type: 'aws:secretsmanager/secretVersion:SecretVersion',
              id: `${ARN}|${version}`,
              provider: `${provider.urn}::1`,
            },
          ],
        },
      });
    const labels = async (): Promise<readonly string[]> => {
      const command = new ListSecretVersionIdsCommand({ SecretId: ARN });
      const { Versions = [] } = await secrets.send(command);
      return Versions.flatMap(({ VersionStages = [] }) => VersionStages).toSorted();
    };
    const before = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS', 'kept-by-somebody'];
    assert.deepEqual(await labels(), before);
    // The state knows an older one: somebody else has written.
    await assert.rejects(
      removeAwsCopies('trading', stateOf(first)),
      /got another current version/u,
    );
    assert.deepEqual(await labels(), before);
    assert.equal((await removeAwsCopies('trading', stateOf(last)))?.count, 2);
    assert.deepEqual(await labels(), ['AWSCURRENT']);
    assert.equal((await removeAwsCopies('trading', stateOf(last)))?.count, 0);
    assert.equal(await removeAwsCopies('monitoring', stateOf(last)), undefined);
  });

  it('is said not to be known when AWS does not answer', async () => {
    assert.deepEqual(printed, []);
    Object.assign(process.env, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' });
    assert.equal(await find('aws:iam/role:Role', { name: 'x', assumeRolePolicy: '{}' }), undefined);
    delete process.env.AWS_MAX_ATTEMPTS;
    Object.assign(process.env, aws.environment);
    assert.equal(printed.length, 1);
    assert.match(
      printed[0] ?? '',
      /^- Role Role: got \w+ when it was looked for; allowed: a caller that may read it; fix: \S.*$/u,
    );
  });

  it('shows no value', () => {
    assert.deepEqual(leaks(printed.join('\n'), new Map([['made', canary]])), []);
  });
});
