import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExchangeName, SecretKey, ServiceName } from '../../../components/catalog.ts';
import { check } from '../../../operations/rotation/checks.ts';
import {
  askIssuer,
  binanceSignature,
  hasIssuer,
  issuersVariable,
  krakenSignature,
} from '../../../operations/rotation/issuers.ts';
import { begun } from '../../../operations/rotation/way-back.ts';
import { leaks, makeCanary } from '../../canary.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('the issuers', () => {
  const before = process.env[issuersVariable];
  const { log } = console;
  let server: Server;
  let asked: Asked[] = [];
  let answer: { status: number; body: string } = { status: 200, body: '{}' };

  beforeEach(async () => {
    asked = [];
    answer = { status: 200, body: '{}' };
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        asked.push({ method, url, headers, body: Buffer.concat(parts).toString() });
        response.writeHead(answer.status).end(answer.body);
      });
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    process.env[issuersVariable] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    console.log = log;
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
    if (before === undefined) delete process.env[issuersVariable];
    else process.env[issuersVariable] = before;
  });

  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = String(privateKey.export({ type: 'sec1', format: 'pem' })).trimEnd();
  const canaries = new Map<SecretKey, string>([
    ['binance_api_key', makeCanary('binance-api')],
    ['binance_secret_key', makeCanary('binance-secret')],
    ['kraken_api_key', makeCanary('kraken-api')],
    ['kraken_secret_key', Buffer.from(makeCanary('kraken-secret')).toString('base64')],
    ['kucoin_api_key', makeCanary('kucoin-api')],
    ['kucoin_secret_key', makeCanary('kucoin-secret')],
    ['kucoin_passphrase', makeCanary('kucoin-passphrase')],
    ['coinbase_api_key', makeCanary('coinbase')],
    ['coinbase_secret_key', pem],
    ['telegram_token', `12345:${makeCanary('telegram')}`],
    ['slack_webhook_url', `https://hooks.slack.com/services/${makeCanary('slack')}`],
  ]);
  const value = (key: SecretKey): string => canaries.get(key) ?? '';
  async function ask(usedWith: ExchangeName | ServiceName): Promise<Asked> {
    await askIssuer(usedWith, canaries);
    const [first] = asked;
    assert.ok(first !== undefined);
    return first;
  }

  it('get signatures as Binance and Kraken document them', () => {
    const query =
      'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559';
    const binance = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
    assert.equal(
      binanceSignature(query, binance),
      'c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71',
    );
    const nonce = '1616492376594';
    const body = `nonce=${nonce}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25`;
    const kraken =
      'kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==';
    assert.equal(
      krakenSignature({ path: '/0/private/AddOrder', nonce, body }, kraken),
      '4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==',
    );
  });

  it('are asked for what changes nothing: an account, balances, permissions, themselves', async () => {
    for (const [usedWith, line] of [
      ['binance', /^GET \/api\.binance\.com\/api\/v3\/account\?\S+&signature=[0-9a-f]{64}$/u],
      ['kraken', /^POST \/api\.kraken\.com\/0\/private\/Balance$/u],
      ['kucoin', /^GET \/api\.kucoin\.com\/api\/v1\/accounts$/u],
      ['coinbase', /^GET \/api\.coinbase\.com\/api\/v3\/brokerage\/key_permissions$/u],
      ['telegram', /^GET \/api\.telegram\.org\/bot\S+\/getMe$/u],
      ['slack', /^POST \/hooks\.slack\.com\/services\/\S+$/u],
    ] as const) {
      asked = [];
      const { method, url } = await ask(usedWith);
      assert.match(`${method} ${url}`, line);
    }
  });

  it('get all that the account needs: three parts of KuCoin, a token signed for Coinbase', async () => {
    const { headers } = await ask('kucoin');
    const hmac = (text: string): string =>
      createHmac('sha256', value('kucoin_secret_key')).update(text).digest('base64');
    const at = String(headers['kc-api-timestamp']);
    assert.equal(headers['kc-api-key'], value('kucoin_api_key'));
    assert.equal(headers['kc-api-sign'], hmac(`${at}GET/api/v1/accounts`));
    assert.equal(headers['kc-api-passphrase'], hmac(value('kucoin_passphrase')));
    asked = [];
    const { authorization = '' } = (await ask('coinbase')).headers;
    const [head = '', claims = '', signature = ''] = authorization
      .replace('Bearer ', '')
      .split('.');
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
    const signed = Buffer.from(signature, 'base64url');
    assert.ok(verify('sha256', Buffer.from(`${head}.${claims}`), key, signed));
    const { uri, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    assert.equal(uri, 'GET api.coinbase.com/api/v3/brokerage/key_permissions');
    assert.equal(sub, value('coinbase_api_key'));
  });

  it('say by status and body whether it works', async () => {
    const cases: readonly (readonly [ExchangeName | ServiceName, number, string, boolean])[] = [
      ['binance', 200, '{}', true],
      ['binance', 401, '{"code":-2015}', false],
      ['kraken', 200, '{"error":[],"result":{}}', true],
      ['kraken', 200, '{"error":["EAPI:Invalid key"]}', false],
      ['kraken', 200, 'no JSON', false],
      ['kucoin', 200, '{"code":"200000"}', true],
      ['kucoin', 200, '{"code":"400003"}', false],
      ['coinbase', 200, '{}', true],
      ['coinbase', 401, '', false],
      ['telegram', 200, '{"ok":true}', true],
      ['telegram', 404, '', false],
      ['slack', 400, 'no_text', true],
      ['slack', 403, 'invalid_token', false],
      ['slack', 404, 'no_service', false],
    ];
    for (const [usedWith, status, body, works] of cases) {
      answer = { status, body };
      const verdict = await askIssuer(usedWith, canaries);
      assert.equal(verdict === 'works', works, `${usedWith} ${status} ${body}`);
    }
  });

  it('that do not answer, and keys that sign nothing, are told without a value', async () => {
    const said: string[] = [];
    answer = { status: 403, body: [...canaries.values()].join('\n') };
    for (const usedWith of [
      'binance',
      'kraken',
      'kucoin',
      'coinbase',
      'telegram',
      'slack',
    ] as const) {
      said.push(JSON.stringify(await askIssuer(usedWith, canaries)));
    }
    const broken = new Map(canaries).set('coinbase_secret_key', makeCanary('no-key'));
    said.push(JSON.stringify(await askIssuer('coinbase', broken)));
    assert.match(said.at(-1) ?? '', /a key that nothing can be signed with/u);
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
    said.push(JSON.stringify(await askIssuer('telegram', canaries)));
    assert.match(said.at(-1) ?? '', /no answer of api\.telegram\.org/u);
    const all = new Map([...canaries, ...broken].map(([key, each]) => [`${key}`, each]));
    assert.deepEqual(leaks(said.join('\n'), all), []);
  });

  it('are there for a credential, and not for a chat id or a database', () => {
    assert.ok(hasIssuer('binance', ['binance_secret_key']));
    assert.ok(!hasIssuer('telegram', ['telegram_chat_id']));
    assert.ok(!hasIssuer('postgres', ['postgres_password']));
  });

  describe('a check', () => {
    const rotation = (...paths: readonly string[]) => ({
      ...begun,
      id: 'abc',
      kind: 'rotate' as const,
      begun: '',
      who: '',
      why: '',
      targets: [],
      due: 'check' as const,
      keys: paths.map((path) => ({
        path,
        old: 'v1:old',
        new: `v1:${path}`,
        oldTag: '',
        worth: true,
      })),
    });
    const args = {
      stack: 'dev',
      skip: false,
      settings: { trading: { binance_api_key: 'of-the-config' } },
      used: ['binance_api_key', 'binance_secret_key', 'redis_password'] as const,
      open: async () => new Map([['trading.binance_secret_key', value('binance_secret_key')]]),
    };

    it('asks with the new half and the half that stays', async () => {
      console.log = () => {};
      const checks = await check(rotation('trading.binance_secret_key'), args);
      assert.deepEqual(checks, [{ what: 'trading.binance', result: 'passed', by: 'binance' }]);
      assert.equal(asked[0]?.headers['x-mbx-apikey'], 'of-the-config');
    });

    it('is none where nobody can be asked, and is skipped by who says so; both are written down', async () => {
      const said: string[] = [];
      console.log = (line: string) => void said.push(line);
      const none = await check(rotation('infrastructure.redis_password'), args);
      assert.deepEqual(none, [{ what: 'infrastructure.redis', result: 'none' }]);
      const skipped = await check(rotation('trading.binance_secret_key'), { ...args, skip: true });
      assert.deepEqual(skipped, [{ what: 'trading.binance', result: 'skipped' }]);
      assert.equal(asked.length, 0);
    });

    it('that fails is one line with the ways on, and without a value', async () => {
      answer = { status: 401, body: value('binance_secret_key') };
      await assert.rejects(check(rotation('trading.binance_secret_key'), args), (error: Error) => {
        assert.match(
          error.message,
          /^trading\.binance: got a refusal of api\.binance\.com \(HTTP 401\) for the new value; allowed: [^\n]+; fix: [^\n]+--resume[^\n]+--skip-check[^\n]+--abort gives it up; nothing has moved$/u,
        );
        assert.deepEqual(leaks(error.message, canaries), []);
        return true;
      });
    });
  });
});
