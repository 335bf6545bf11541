import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { droppedLines, withoutForeign } from '../../../operations/engine/foreign-secrets.ts';
import { leaks, makeCanary } from '../../canary.ts';

const canary = makeCanary('foreign');
const committed = `# of the team
config:
  hummingbot-secrets:environment: dev
  hummingbot-secrets:trading:
    binance_api_key:
      secure: ${canary}
    odd name:
      secure: ${canary}
  hummingbot-secrets:monitoring:
    email_password: { secure: ${canary} }
    plain: stays
  hummingbot-secrets:list: [{ secure: ${canary} }, stays, { secure: ${canary} }]
  aws:secretKey: { secure: ${canary} }
  hummingbot-secrets:empty: {}
encryptionsalt: v1:x
encryptedkey: key
secretsprovider: awskms://alias/x
`;

describe('a stack file with what another machine encrypted', () => {
  const own = withoutForeign(committed, () => false);

  it('loses salt, key, provider and encrypted values, and what is empty without them', () => {
    assert.deepEqual(parse(own.text), {
      config: {
        'hummingbot-secrets:environment': 'dev',
        'hummingbot-secrets:monitoring': { plain: 'stays' },
        'hummingbot-secrets:list': ['stays'],
        'hummingbot-secrets:empty': {},
      },
    });
    assert.match(own.text, /^# of the team$/m);
  });

  it('says which values, and the command that sets each again', () => {
    assert.deepEqual(own.dropped, [
      'trading.binance_api_key',
      'trading["odd name"]',
      'monitoring.email_password',
      'list[0]',
      'list[2]',
      'aws:secretKey',
    ]);
    const lines = droppedLines('dev', own);
    assert.match(lines[0] ?? '', /^- Pulumi\.dev\.yaml has 6 values that this machine cannot open/);
    assert.match(
      lines[1] ?? '',
      /config set --secret --path 'trading\.binance_api_key' --stack dev/,
    );
    assert.equal(lines.length, 7);
    assert.doesNotMatch(lines[2] ?? '', /config set/);
    assert.deepEqual(leaks(lines.join('\n'), new Map([['foreign', canary]])), []);
  });

  it('is not shown a credential that stands in the place of a name', () => {
    const text = `config:\n  hummingbot-secrets:${canary}: { secure: x }\n  hummingbot-secrets:trading:\n    ${canary}: { secure: x }\n`;
    const lines = droppedLines(
      'dev',
      withoutForeign(text, () => false),
    );
    assert.equal(lines.length, 3);
    assert.deepEqual(leaks(lines.join('\n'), new Map([['foreign', canary]])), []);
  });

  it('stays as it is when this machine has its passphrase', () => {
    const text = committed.replace(/^secretsprovider.*\n/mu, '');
    assert.equal(withoutForeign(text, (salt) => salt === 'v1:x').text, text);
    // The key of a service opens values, whatever the passphrase.
    assert.equal(withoutForeign(committed, () => true).dropped.length, 6);
  });

  it('stays as it is when nothing in it is encrypted', () => {
    const text = 'config:   {  a: 1 } # as written\n';
    assert.deepEqual(
      withoutForeign(text, () => false),
      { text, dropped: [], foreign: false },
    );
    assert.deepEqual(
      droppedLines(
        'dev',
        withoutForeign(text, () => false),
      ),
      [],
    );
    for (const odd of ['', 'text', '[1]', 'config: [', 'config: text']) {
      assert.equal(withoutForeign(odd, () => false).text, odd);
    }
  });

  it('says in one line that there was a salt alone', () => {
    const lines = droppedLines(
      'dev',
      withoutForeign('config: {}\nencryptionsalt: v1:x\n', () => false),
    );
    assert.deepEqual(lines, [
      '- Pulumi.dev.yaml names another passphrase or key; this machine has its own',
    ]);
  });
});
