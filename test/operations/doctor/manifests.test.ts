import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { keysOf } from '../../../components/catalog.ts';
import { targets } from '../../../components/delivery/targets.ts';
import { lookAtManifests } from '../../../operations/doctor/manifests.ts';
import { lineOf } from '../../../settings/mistake.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { keyFacts } from './case.ts';

const keys = keysOf('trading').map((key) => keyFacts(key));
const tag = 'abcdefghij';
const canary = makeCanary('manifest');

describe('what doctor sees of encrypted Secrets', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'manifests-'));
    mkdirSync(join(directory, 'encrypted'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function write(more: object = {}, value = 'ENC[AES256_GCM,data:x,type:str]'): void {
    const data = Object.fromEntries(keysOf('trading').map((key) => [key, value]));
    const document = {
      metadata: { annotations: { 'hummingbot-secrets/tag': tag } },
      data,
      sops: { encrypted_regex: '^(data|stringData)$', mac: 'ENC[]', age: [{ recipient: 'age1a' }] },
      ...more,
    };
    writeFileSync(join(directory, 'encrypted/hummingbot-trading-keys.yaml'), stringify(document));
  }

  function look(recipients: readonly string[] = ['age1a']) {
    const place = { target: 'sops', stack: 'prod', shown: 'gitops/prod', directory, recipients };
    const { arrivals, findings } = lookAtManifests(
      { ...place, tags: { trading: tag } },
      targets.sops,
      keys,
    );
    return { arrivals: [...new Set(arrivals.values())], lines: findings.map(lineOf) };
  }

  it('is that all is there, encrypted, with the tag of the last up', () => {
    write();
    assert.deepEqual(look(), { arrivals: ['yes'], lines: [] });
  });

  it('is a file that is missing', () => {
    assert.deepEqual(look(), {
      arrivals: ['no'],
      lines: [
        'gitops/prod/encrypted/hummingbot-trading-keys.yaml: got no such file; allowed: one of trading; fix: npm start -- --stack prod',
      ],
    });
  });

  it('is a value in the clear, which is not shown', () => {
    write({}, canary);
    const { arrivals, lines } = look();
    assert.deepEqual(arrivals, ['unreadable']);
    assert.match(
      lines.join(),
      /: got something that is not encrypted; .*revoke what stands in it$/u,
    );
    assert.deepEqual(leaks(lines.join(), new Map([['manifest', canary]])), []);
  });

  it('is an older tag, and nothing of what stands in its place otherwise', () => {
    write({ metadata: { annotations: { 'hummingbot-secrets/tag': 'zyxwvutsrq' } } });
    assert.match(
      look().lines.join(),
      /: got tag zyxwvutsrq; allowed: tag abcdefghij, of the last/u,
    );
    write({ metadata: { annotations: { 'hummingbot-secrets/tag': canary } } });
    const { arrivals, lines } = look();
    assert.deepEqual(arrivals, ['another tag']);
    assert.match(lines.join(), /: got tag unknown; /u);
  });

  it('is other recipients than the settings have', () => {
    write();
    const { arrivals, lines } = look(['age1a', 'age1b']);
    assert.deepEqual(arrivals, ['yes']);
    assert.match(lines.join(), /: got other recipients; allowed: those of the settings; fix: /u);
  });

  it('is a key that is not in it', () => {
    write({ data: { binance_api_key: 'ENC[AES256_GCM,data:x,type:str]' } });
    assert.deepEqual(look().arrivals.toSorted(), ['no', 'yes']);
  });
});
