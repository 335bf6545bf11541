import assert from 'node:assert/strict';
import { composeBot, noAnswer, noRight } from '../../../operations/rotation/running-bot.ts';

const delivered = {
  one: { directory: '/out/dev', next: 'docker compose up -d' },
  two: {
    directory: '/out/dev',
    next: 'docker compose --env-file .env.secrets -f compose.env.yaml up -d',
  },
  cluster: { namespace: 'hummingbot', next: 'kubectl get pods' },
};

function answering(stdout: string) {
  const asked: string[] = [];
  const run = (directory: string) => (program: string, args: readonly string[]) => {
    asked.push([directory, program, ...args].join(' '));
    return { code: 0, stdout, stderr: '' };
  };
  return { asked, run };
}

describe('the bot that Compose runs', () => {
  it('is started anew by the file that it was started from', () => {
    for (const [file, target] of [
      ['compose.yaml', 'one'],
      ['compose.env.yaml', 'two'],
    ] as const) {
      const labels = `com.docker.compose.project.config_files=/out/dev/${file},x=y`;
      const { run, asked } = answering(`${JSON.stringify({ State: 'running', Labels: labels })}\n`);
      assert.equal(composeBot(delivered, run).running?.target, target);
      assert.deepEqual(asked, [
        '/out/dev docker compose ps --format json hummingbot',
        '/out/dev docker compose --env-file .env.secrets -f compose.env.yaml ps --format json hummingbot',
      ]);
    }
  });

  it('is not known where Docker cannot be asked', () => {
    const refusing = (stderr: string) => () => () => ({ code: 1, stdout: '', stderr });
    const denied = 'permission denied while trying to connect to the Docker daemon socket';
    assert.deepEqual(composeBot(delivered, refusing(denied)), { silent: noRight });
    const away = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.';
    assert.deepEqual(composeBot(delivered, refusing(away)), { silent: noAnswer });
    assert.deepEqual(composeBot(delivered, refusing('no such service: hummingbot')), {});
  });

  it('is nobody where none runs, or where there is no Docker', () => {
    assert.deepEqual(composeBot(delivered, answering('').run), {});
    assert.deepEqual(composeBot(delivered, answering('[]').run), {});
    const run = () => () => ({ code: undefined, stdout: '', stderr: '' });
    assert.deepEqual(composeBot(delivered, run), {});
    assert.deepEqual(composeBot({ cluster: delivered.cluster }, answering('{}').run), {});
  });
});
