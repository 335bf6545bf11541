import assert from 'node:assert/strict';
import { askContainer, isCompose, type Ran, runIn } from '../../../operations/doctor/container.ts';

const report = JSON.stringify({ hummingbot: '2.18.0', materialised: {}, read: {}, trading: null });
const running = { State: 'running', Labels: 'a=b,hummingbot-secrets.trading-tag=aaaaaaaaaa' };
const place = {
  stack: 'dev',
  shown: 'out/dev',
  next: 'docker compose --env-file .env.secrets -f compose.env.yaml up -d',
  tags: { trading: 'aaaaaaaaaa' },
  values: ['a-value-of-somebody'],
};

/** What a docker says to each verb of Compose. */
function ask(answers: Readonly<Record<string, Partial<Ran>>>, asked: string[] = []) {
  return askContainer((program, args) => {
    asked.push([program, ...args].join(' '));
    const verb = ['ps', 'logs', 'exec'].find((each) => args.includes(each)) ?? '';
    return { code: 0, stdout: '', stderr: '', ...answers[verb] };
  }, place);
}
const lines = (answers: Parameters<typeof ask>[0]) =>
  ask(answers).findings.map(({ what, got, fix }) => `${what}: got ${got}; fix: ${fix}`);

describe('the bot of Docker Compose', () => {
  it('is asked by the words that start it', () => {
    const asked: string[] = [];
    const facts = ask({ ps: { stdout: JSON.stringify(running) }, exec: { stdout: report } }, asked);
    assert.equal(facts.report?.hummingbot, '2.18.0');
    assert.deepEqual(facts.findings, []);
    const compose = 'docker compose --env-file .env.secrets -f compose.env.yaml';
    assert.deepEqual(asked, [
      `${compose} ps --all --format json hummingbot`,
      `${compose} exec -T hummingbot cat /run/hummingbot/report.json`,
    ]);
    assert.equal(facts.restart, `cd out/dev && ${place.next} --force-recreate`);
  });

  it('is known in the form of older versions of Compose too', () => {
    const { findings } = ask({
      ps: { stdout: `[${JSON.stringify(running)}]` },
      exec: { stdout: report },
    });
    assert.deepEqual(findings, []);
  });

  it('is older than the values that were delivered, by its tag', () => {
    const old = { ...running, Labels: 'hummingbot-secrets.trading-tag=bbbbbbbbbb' };
    assert.deepEqual(lines({ ps: { stdout: JSON.stringify(old) }, exec: { stdout: report } }), [
      `bot: got a container from before the last change of trading; fix: cd out/dev && ${place.next}`,
    ]);
  });

  it('has ended with a word of its own', () => {
    const state = { State: 'restarting', ExitCode: 65 };
    const word = 'kraken_secret_key: got no base64; allowed: base64; fix: set it';
    assert.deepEqual(
      lines({ ps: { stdout: JSON.stringify(state) }, logs: { stdout: `${word}\r\n` } }),
      [
        'kraken_secret_key: got no base64; fix: set it',
        `bot: got a container that is restarting, exit code 65; fix: cd out/dev && ${place.next}`,
      ],
    );
  });

  it('runs and has written no report', () => {
    const answers = { ps: { stdout: JSON.stringify(running) }, exec: { code: 1 } };
    assert.match(
      lines(answers)[0] ?? '',
      /a container that runs and has no \/run\/hummingbot\/report\.json/,
    );
  });

  const silent: readonly (readonly [string, Partial<Ran>, RegExp])[] = [
    [
      'there is no docker',
      { code: undefined },
      /^docker: got none; fix: install it, then cd out\/dev/,
    ],
    [
      'there is no Compose',
      { code: 1, stderr: 'docker: unknown command: docker compose' },
      /^docker: got no Compose; fix: install the Compose plugin/,
    ],
    [
      'the engine does not run',
      { code: 1, stderr: 'Cannot connect to the Docker daemon at unix:///x. Is it running?' },
      /^docker: got an engine that does not answer; fix: start it/,
    ],
    [
      'the user may not',
      { code: 1, stderr: 'permission denied while trying to connect to the Docker daemon socket' },
      /^docker: got no right to use the engine; fix: run as one who may use it/,
    ],
    [
      'there is no Compose file',
      { code: 14, stderr: 'no configuration file provided: not found' },
      /^out\/dev: got no Compose file that can be read; fix: npm start -- --stack dev/,
    ],
    ['there is no container', { code: 0 }, /^bot: got no container; fix: cd out\/dev && docker/],
  ];
  for (const [what, answer, line] of silent) {
    it(`says in one line that ${what}`, () => {
      const found = lines({ ps: answer });
      assert.equal(found.length, 1);
      assert.match(found[0] ?? '', line);
    });
  }

  it('repeats nothing of what Docker says', () => {
    const facts = ask({ ps: { code: 1, stderr: 'a-value-of-somebody' } });
    assert.ok(!JSON.stringify(facts).includes('a-value-of-somebody'));
  });

  it('is run where it lies, and a program that is not there is none', () => {
    assert.equal(runIn('/')('pwd', []).stdout, '/\n');
    assert.equal(runIn('/')('no-such-program-here', []).code, undefined);
  });
  it('is started by Docker Compose, and by no other command that comes next', () => {
    assert.ok(isCompose(place.next) && isCompose('docker compose up -d'));
    for (const next of ['jq keys json/*.json', 'docker-compose up', 'docker run x']) {
      assert.equal(isCompose(next), false, next);
    }
  });
});
