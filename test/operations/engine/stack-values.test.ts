import assert from 'node:assert/strict';
import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hiddenValues, stackValues } from '../../../operations/engine/stack-values.ts';
import { leaks, makeCanary } from '../../canary.ts';

const passphrase = makeCanary('passphrase');
const salt = randomBytes(8);
const key = pbkdf2Sync(passphrase, salt, 1_000_000, 32, 'sha256');

/** As Pulumi writes it; what it wrote itself is opened in test/e2e/scrubber.e2e.ts. */
function seal(text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString('base64')}:${sealed.toString('base64')}`;
}

const value = makeCanary('config');

function stackFile(provider = ''): string {
  return `${provider}encryptionsalt: v1:${salt.toString('base64')}:${seal('pulumi')}
config:
  hummingbot-secrets:environment: dev
  hummingbot-secrets:trading:
    binance_api_key:
      secure: ${seal(value)}
    kraken_api_key: in the clear
  hummingbot-secrets:infrastructure:
    postgres_db:
      secure: ${seal('hummingbot')}
    postgres_user:
      secure: ${seal('wintermute')}
  other:list:
    - secure: ${seal('a whole secret')}
  aws:region: x
`;
}

describe('the values of a stack', () => {
  const variables = [
    'PULUMI_CONFIG_PASSPHRASE',
    'PULUMI_CONFIG_PASSPHRASE_FILE',
    'PULUMI_BACKEND_URL',
  ] as const;
  const before = new Map(variables.map((name) => [name, process.env[name]]));

  beforeEach(() => {
    for (const name of variables) delete process.env[name];
    process.env.PULUMI_BACKEND_URL = 's3://elsewhere';
    process.env.PULUMI_CONFIG_PASSPHRASE = passphrase;
  });

  after(() => {
    for (const [name, text] of before) {
      if (text === undefined) delete process.env[name];
      else process.env[name] = text;
    }
  });

  it('are what is encrypted in the stack file, by name, and the passphrase', () => {
    assert.deepEqual(
      [...stackValues('dev', stackFile())],
      [
        ['passphrase', passphrase],
        ['trading.binance_api_key', value],
        ['infrastructure.postgres_db', 'hummingbot'],
        ['infrastructure.postgres_user', 'wintermute'],
        ['other:list', 'a whole secret'],
      ],
    );
  });

  it('are none without the passphrase, with another one, or where a key service encrypts', () => {
    assert.equal(stackValues('dev', stackFile('secretsprovider: awskms://alias/x\n')).size, 0);
    process.env.PULUMI_CONFIG_PASSPHRASE = 'another';
    assert.equal(stackValues('dev', stackFile()).size, 0);
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    assert.equal(stackValues('dev', stackFile()).size, 0);
    process.env.PULUMI_CONFIG_PASSPHRASE_FILE = '/no/such/file';
    assert.equal(stackValues('dev', stackFile()).size, 0);
  });

  it('leave out of what output hides the words that the project itself shows', () => {
    const folder = mkdtempSync(join(tmpdir(), 'values-'));
    try {
      const path = join(folder, 'Pulumi.dev.yaml');
      writeFileSync(path, stackFile());
      const hidden = hiddenValues('dev', path);
      assert.ok(!hidden.has('infrastructure.postgres_db'), 'hummingbot');
      assert.ok(hidden.has('infrastructure.postgres_user'));
      assert.equal(hidden.get('trading.binance_api_key'), value);
      assert.equal(hiddenValues('dev', join(folder, 'none.yaml')).size, 0);
      assert.deepEqual(leaks([...hidden.keys()].join(' '), hidden), [], 'names are no values');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
