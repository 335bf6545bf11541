import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findBots, unstopped } from '../../../operations/rotation/bots.ts';

const compose = { directory: '/', next: 'docker compose up -d' };

describe('the bots of a stack', () => {
  const { PATH } = process.env;
  let tools: string;
  const file = (name: string): string => join(tools, name);

  beforeEach(() => {
    tools = mkdtempSync(join(tmpdir(), 'bots-'));
    process.env.PATH = [tools, PATH].join(delimiter);
  });
  afterEach(() => {
    process.env.PATH = PATH;
    rmSync(tools, { recursive: true });
  });

  /** A Docker that runs a bot while there is a file `running`. */
  function docker(script: string): void {
    writeFileSync(file('docker'), `#!/bin/sh\necho "$*" >> '${file('asked')}'\n${script}\n`);
    chmodSync(file('docker'), 0o755);
  }
  const ps = () => `case "$*" in *" ps "*) [ ! -e '${file('running')}' ] || echo '{}' ;;`;

  it('are a container of Docker Compose, which is stopped with the time that it has', async () => {
    docker(`${ps()} *" stop "*) rm '${file('running')}' ;; esac`);
    writeFileSync(file('running'), '');
    const { bots, troubles } = await findBots({ settings: {}, delivered: { compose } });
    assert.deepEqual(troubles, []);
    assert.deepEqual(
      bots.map(({ target }) => target),
      ['compose'],
    );
    await bots[0]?.stop();
    assert.match(readFileSync(file('asked'), 'utf8'), /^compose stop hummingbot$/mu);
    assert.deepEqual((await findBots({ settings: {}, delivered: { compose } })).bots, []);
  });

  it('have not stopped while the container runs, whatever Docker says', async () => {
    docker(`${ps()} esac`);
    writeFileSync(file('running'), '');
    const { bots } = await findBots({ settings: {}, delivered: { compose } });
    await assert.rejects(bots[0]?.stop() ?? Promise.resolve(), /a container that still runs/u);
  });

  it('may be there where nobody can be asked: an engine, a cluster, a controller of git', async () => {
    docker('echo "Cannot connect to the Docker daemon at x" >&2; exit 1');
    const gitops = { manifests: 'gitops/prod', next: 'git push' };
    const swarm = { service: 'bot', next: 'docker service ps' };
    const cluster = { namespace: 'bots', next: 'kubectl get pods' };
    const settings = { dockerHost: `unix://${file('none.sock')}`, kubeContext: 'no-such-context' };
    const delivered = { compose, gitops, swarm, cluster };
    const { bots, troubles } = await findBots({ settings, delivered });
    assert.deepEqual(bots, []);
    const { message } = unstopped(troubles, 'npm run rotate -- --stack x --compromised y');
    const lines = message.split('\n');
    assert.deepEqual(
      lines.map((line) => line.split('; ')[0]),
      [
        'docker: got a Docker engine that does not answer',
        'target gitops: got a bot that a GitOps controller runs from gitops/prod',
        `service bot: got no answer (ENOENT) from ${settings.dockerHost}`,
        'namespace bots: got no context no-such-context in the kubeconfig',
      ],
    );
    for (const line of lines) {
      assert.match(
        line,
        /; fix: stop it by hand \(docs\/emergency\.md\), then .* --even-if-running$/u,
      );
    }
  });

  it('are none where there is no Docker, or nothing is delivered to a place that runs one', async () => {
    process.env.PATH = tools;
    const found = await findBots({ settings: {}, delivered: { compose } });
    assert.deepEqual(found, { bots: [], troubles: [] });
    const files = { directory: '/x', next: 'source .env' };
    assert.deepEqual(await findBots({ settings: {}, delivered: { files } }), found);
  });
});
