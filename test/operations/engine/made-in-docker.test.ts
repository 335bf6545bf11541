import assert from 'node:assert/strict';
import type { Deployment } from '../../../operations/engine/adoption.ts';
import { idInDocker, isInDocker } from '../../../operations/engine/made-in-docker.ts';
import { tellableIds } from '../../../operations/engine/pending.ts';
import { DockerServer } from '../../docker-server.ts';

const providerUrn = 'urn:pulumi:prod::p::pulumi:providers:docker::docker';
const stored = (type: string, name: string) => ({
  urn: `urn:pulumi:prod::p::${type}::x`,
  type,
  provider: `${providerUrn}::1`,
  inputs: { name },
});
const secret = 'docker:index/secret:Secret';
const service = 'docker:index/service:Service';

describe('what a killed run made in a swarm', () => {
  let server: DockerServer;
  let state: Deployment;
  beforeEach(async () => {
    server = new DockerServer();
    await server.start();
    const inputs = { host: server.host };
    state = {
      version: 3,
      deployment: {
        resources: [{ urn: providerUrn, inputs }],
        pending_operations: [{ type: 'creating', resource: stored(secret, 'a-01234567') }],
      },
    };
    server.answers.set('GET /secrets', [
      200,
      [
        { ID: 'longer', Spec: { Name: 'aa-01234567' } },
        { ID: 'i', Spec: { Name: 'a-01234567' } },
      ],
    ]);
  });
  afterEach(async () => await server.stop());

  it('is looked for by its whole name, and told by its id', async () => {
    assert.deepEqual([secret, service, 'aws:kms/key:Key', undefined].map(isInDocker), [
      true,
      true,
      false,
      false,
    ]);
    assert.equal(await idInDocker(stored(secret, 'a-01234567'), state), 'i');
    assert.equal(await idInDocker(stored(secret, 'b-01234567'), state), undefined);
    assert.deepEqual([...(await tellableIds(state))], [[stored(secret, '').urn, 'i']]);
  });

  it('is a service only with a tag of ours', async () => {
    const found = (labels: object) => [
      200,
      [{ ID: 's', Spec: { Name: 'bot', TaskTemplate: { ContainerSpec: { Labels: labels } } } }],
    ];
    server.answers.set('GET /services', found({}) as never);
    assert.equal(await idInDocker(stored(service, 'bot'), state), undefined);
    server.answers.set('GET /services', found({ 'hummingbot-secrets.trading-tag': 'x' }) as never);
    assert.equal(await idInDocker(stored(service, 'bot'), state), 's');
  });

  it('is made again where nobody answers, after a line', async () => {
    const lines: string[] = [];
    const { error } = console;
    console.error = (line: string) => lines.push(line);
    try {
      server.answers.set('GET /secrets', [500, {}]);
      assert.equal(await idInDocker(stored(secret, 'a-01234567'), state), undefined);
    } finally {
      console.error = error;
    }
    assert.match(
      lines.join(),
      /^- Secret x: Docker GET \/secrets: got 500 when it was looked for; /u,
    );
    const none: Deployment = { version: 3, deployment: { resources: [] } };
    assert.equal(await idInDocker(stored(secret, 'a-01234567'), none), undefined);
  });
});
