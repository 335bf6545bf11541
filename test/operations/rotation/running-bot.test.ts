import assert from 'node:assert/strict';
import { runningBot } from '../../../operations/rotation/running-bot.ts';

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
      assert.equal(runningBot(delivered, run)?.target, target);
      assert.deepEqual(asked, [
        '/out/dev docker compose ps --format json hummingbot',
        '/out/dev docker compose --env-file .env.secrets -f compose.env.yaml ps --format json hummingbot',
      ]);
    }
  });

  it('is nobody where none runs, or where there is no Docker', () => {
    assert.equal(runningBot(delivered, answering('').run), undefined);
    assert.equal(runningBot(delivered, answering('[]').run), undefined);
    assert.equal(runningBot({ cluster: delivered.cluster }, answering('{}').run), undefined);
  });
});
