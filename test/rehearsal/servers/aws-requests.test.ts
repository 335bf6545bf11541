import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFor } from '../../../rehearsal/servers/aws.ts';
import {
  aboutOf,
  accessKeyOf,
  actionOf,
  isWrite,
  readRequests,
} from '../../../rehearsal/servers/aws-requests.ts';
import { leaks, makeCanary } from '../../canary.ts';

const url = 'http://127.0.0.1/';
const signed = (service: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIA1/20261124/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

describe('a request to the AWS API', () => {
  it('is named by its JSON target, KMS by its short name', () => {
    const target = (value: string): Headers => new Headers({ 'x-amz-target': value });
    assert.equal(
      actionOf(target('secretsmanager.PutSecretValue'), url, '{}'),
      'secretsmanager.PutSecretValue',
    );
    assert.equal(actionOf(target('TrentService.CreateKey'), url, '{}'), 'kms.CreateKey');
  });

  it('is named by its Action in a form, with the service of the signature', () => {
    const headers = new Headers({ authorization: signed('iam') });
    assert.equal(actionOf(headers, url, 'Action=CreateRole&RoleName=x'), 'iam.CreateRole');
    assert.equal(accessKeyOf(headers), 'AKIA1');
    const unsigned = 'Action=AssumeRoleWithWebIdentity&RoleArn=a';
    assert.equal(actionOf(new Headers(), url, unsigned), 'sts.AssumeRoleWithWebIdentity');
  });

  it('says whom it is about, never a value', () => {
    const body = JSON.stringify({
      SecretString: makeCanary('body'),
      SecretId: 'hummingbot/trading',
    });
    assert.equal(aboutOf(body), 'hummingbot/trading');
    assert.equal(aboutOf('Action=CreateRole&RoleName=reader'), 'reader');
    assert.equal(aboutOf('{not json'), undefined);
    assert.equal(aboutOf(''), undefined);
  });

  it('is a write unless its name says that it reads', () => {
    const write = (action: string): boolean => isWrite({ at: 0, action, status: 200 });
    for (const action of ['secretsmanager.PutSecretValue', 'kms.TagResource', 'iam.DeleteRole']) {
      assert.equal(write(action), true, action);
    }
    for (const action of ['secretsmanager.GetSecretValue', 'kms.ListAliases', 'sts.AssumeRole']) {
      assert.equal(write(action), false, action);
    }
    assert.equal(write('kms.unknown'), true);
  });
});

describe('clients of the AWS API', () => {
  it('get nothing of the AWS settings of whoever rehearses', () => {
    process.env.AWS_PROFILE = 'production';
    try {
      const environment = environmentFor('http://127.0.0.1:1');
      assert.ok('AWS_PROFILE' in environment);
      assert.equal(environment.AWS_PROFILE, undefined);
      assert.equal(environment.AWS_ENDPOINT_URL, 'http://127.0.0.1:1');
      assert.equal(environment.AWS_SHARED_CREDENTIALS_FILE, '/dev/null');
    } finally {
      delete process.env.AWS_PROFILE;
    }
  });
});

describe('the recorder before the AWS API', () => {
  const directory = mkdtempSync(join(tmpdir(), 'recorder-'));
  const file = join(directory, 'requests.jsonl');
  const canary = makeCanary('value');
  let api: Server;
  let recorder: ChildProcess;
  let endpoint: string;
  let received = '';

  before(async () => {
    api = createServer((message, answer) => {
      message.on('data', (chunk: Buffer) => {
        received += chunk.toString();
      });
      message.on('end', () => {
        answer.writeHead(message.url === '/refused' ? 400 : 200);
        answer.end(`answer ${canary}`);
      });
    });
    const port = await listen(api);
    const spare = createServer();
    const own = await listen(spare);
    await new Promise((settle) => spare.close(settle));
    const script = 'rehearsal/servers/aws-recorder.ts';
    recorder = spawn(process.execPath, [script, `${own}`, `${port}`, file], { stdio: 'ignore' });
    endpoint = `http://127.0.0.1:${own}`;
    while (!(await fetch(`${endpoint}/moto-api/`).catch(() => undefined))) await sleep(50);
  });

  after(() => {
    recorder.kill();
    api.close();
    rmSync(directory, { recursive: true });
  });

  it('passes bodies both ways, and writes action, name, key id and status, never a body', async () => {
    const headers = {
      'x-amz-target': 'secretsmanager.PutSecretValue',
      authorization: signed('secretsmanager'),
    };
    const body = JSON.stringify({ SecretId: 'hummingbot/trading', SecretString: canary });
    const reply = await fetch(endpoint, { method: 'POST', headers, body });
    assert.equal(await reply.text(), `answer ${canary}`);
    assert.ok(received.includes(canary));
    const [{ at, ...rest } = { at: 0 }, ...others] = readRequests(file);
    assert.deepEqual(others, []);
    assert.ok(Math.abs(Date.now() - at) < 10_000);
    assert.deepEqual(rest, {
      action: 'secretsmanager.PutSecretValue',
      about: 'hummingbot/trading',
      by: 'AKIA1',
      status: 200,
    });
    assert.deepEqual(leaks(readFileSync(file), new Map([['value', canary]])), []);
  });

  it('writes a refusal with its status', async () => {
    const headers = { 'x-amz-target': 'TrentService.CreateKey' };
    await fetch(`${endpoint}/refused`, { method: 'POST', headers, body: '{}' });
    assert.equal(readRequests(file).at(-1)?.status, 400);
  });
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
  return (server.address() as AddressInfo).port;
}
