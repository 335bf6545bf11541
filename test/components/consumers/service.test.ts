import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { render } from '../../../components/consumers/service.ts';
import type { Reference } from '../../../components/delivery/delivery.ts';
import type { Strategy } from '../../../components/strategy.ts';

const reference: Reference = {
  key: 'binance_api_key',
  environment: { BINANCE_API_KEY_FILE: '/run/secrets/binance_api_key' },
  file: { source: './secrets/trading/binance_api_key', target: '/run/secrets/binance_api_key' },
};
const args = {
  image: 'hummingbot/hummingbot:version-2.16.0',
  project: 'hummingbot-dev',
  user: '7:8',
};

describe('the Compose file', () => {
  const text = render(args, [reference], { trading: 'abcdefghij' }, '0123456789');
  const { hummingbot } = parse(text).services;

  it('mounts a secret as Swarm does, names it by *_FILE, and runs as the owner of the files', () => {
    assert.deepEqual(hummingbot.secrets, [
      { source: 'binance_api_key', target: '/run/secrets/binance_api_key' },
    ]);
    assert.equal(hummingbot.environment.BINANCE_API_KEY_FILE, '/run/secrets/binance_api_key');
    assert.equal(hummingbot.user, '7:8');
    assert.deepEqual(parse(text).secrets, {
      binance_api_key: { file: './secrets/trading/binance_api_key' },
    });
  });

  it('has the tag as a label, no obsolete key, and no secret of Swarm', () => {
    assert.deepEqual(hummingbot.labels, {
      'hummingbot-secrets.trading-tag': 'abcdefghij',
      'hummingbot-secrets.program': '0123456789',
    });
    assert.equal(parse(text).version, undefined);
    assert.ok(!text.includes('external'));
  });

  it('materialises and launches by one entrypoint, whose variables are not Compose’s', () => {
    const [shell, flag, script] = hummingbot.entrypoint;
    assert.deepEqual([shell, flag], ['/bin/sh', '-c']);
    assert.match(script, /exec "\$\$python" -u \/etc\/hummingbot\/launch\.py \S+ --materialise;/u);
    assert.doesNotMatch(script.replaceAll('$$', ''), /\$/u);
    assert.deepEqual(hummingbot.healthcheck.test, ['CMD', 'test', '-e', '/run/hummingbot/ready']);
    assert.equal(hummingbot.tty, undefined);
  });

  it('keeps what it makes of secrets in memory, for its own user', () => {
    assert.deepEqual(hummingbot.tmpfs, [
      '/tmp:mode=1777',
      '/run/hummingbot:mode=0700,uid=7,gid=8',
      '/home/hummingbot/conf/connectors:mode=0700,uid=7,gid=8',
    ]);
  });

  it('mounts a script where the bot looks for it, read-only', () => {
    const strategy: Strategy = {
      type: 'v2-script',
      config: { name: 'mine.yml', content: '' },
      script: { name: 'mine.py', content: '' },
      controllers: [],
    };
    const { volumes } = parse(render({ ...args, strategy }, [], {}, '')).services.hummingbot;
    assert.deepEqual(volumes.at(-1), {
      type: 'bind',
      source: './bot/mine.py',
      target: '/home/hummingbot/scripts/mine.py',
      bind: { create_host_path: false },
      read_only: true,
    });
  });

  it('has no secrets section for a target without files', () => {
    const plain = render(args, [{ key: 'x', environment: { X: '${X:?use it}' } }], {}, '');
    assert.equal(parse(plain).secrets, undefined);
    assert.equal(parse(plain).services.hummingbot.secrets, undefined);
    assert.equal(parse(plain).services.hummingbot.environment.X, '${X:?use it}');
  });

  it('is one project and service, whatever the target, with time to cancel orders', () => {
    const other = parse(render(args, [], {}, ''));
    assert.equal(other.name, parse(text).name);
    assert.deepEqual(Object.keys(other.services), Object.keys(parse(text).services));
    assert.equal(hummingbot.stop_grace_period, '2m');
  });

  it('keeps what the bot writes on the host, in directories that exist', () => {
    assert.deepEqual(
      hummingbot.volumes.map((v: { source: string }) => v.source),
      ['./conf', './data', './logs', './bot'],
    );
    for (const { bind } of hummingbot.volumes) assert.equal(bind.create_host_path, false);
  });
});
