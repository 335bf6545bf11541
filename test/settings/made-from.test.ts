import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { madeFrom, runningMadeFrom } from '../../settings/made-from.ts';

const text = `config:
  hummingbot-secrets:environment: prod
  hummingbot-secrets:targets: [kubernetes]
  hummingbot-secrets:trading:
    binance_api_key:
      secure: v1:old
`;

describe('what a stack is made from but for its values', () => {
  const folder = mkdtempSync(join(tmpdir(), 'made-from-'));
  const path = join(folder, 'Pulumi.prod.yaml');
  after(() => rmSync(folder, { recursive: true }));

  function of(changed: string): string | undefined {
    writeFileSync(path, changed);
    return madeFrom(path);
  }

  it('is one word, and the same whatever values are and whatever a rotation writes down', () => {
    const word = of(text);
    assert.match(word ?? '', /^[a-z2-7]{10}$/u);
    for (const same of [
      text.replace('v1:old', 'v1:new'),
      text.slice(0, text.indexOf('  hummingbot-secrets:trading')),
      `${text}  hummingbot-secrets:rotation:\n    last:\n      trading: abcdef 2026-11-28 hash\n`,
      `${text}encryptionsalt: v1:salt\n`,
      `config:\n${text.split('\n').slice(2, 3).join('\n')}\n${text.split('\n').slice(1, 2).join('\n')}\n`,
    ]) {
      assert.equal(of(same), word, same);
    }
  });

  it('is another word for any other setting, encrypted or not', () => {
    const word = of(text);
    const encrypted = `${text}  hummingbot-secrets:prefix:\n    secure: v1:`;
    for (const other of [
      text.replace('[kubernetes]', '[aws-secrets-manager]'),
      text.replace('environment: prod', 'environment: staging'),
      `${text}  hummingbot-secrets:protect: true\n`,
      `${text}  kubernetes:context: other\n`,
      `${encrypted}one\n`,
    ]) {
      assert.notEqual(of(other), word, other);
    }
    assert.notEqual(of(`${encrypted}one\n`), of(`${encrypted}two\n`));
  });

  it('is not known where the file does not have all settings, or is not there', () => {
    assert.equal(of(`environment: [shared]\n${text}`), undefined);
    assert.equal(madeFrom(join(folder, 'none.yaml')), undefined);
  });

  it('is asked of protected stacks alone', () => {
    assert.equal(runningMadeFrom({ stack: 'prod', protect: false }), undefined);
    const own = process.env.PULUMI_OPTION_CONFIG_FILE;
    try {
      process.env.PULUMI_OPTION_CONFIG_FILE = path;
      const word = of(text);
      assert.equal(runningMadeFrom({ stack: 'prod', protect: true }), word);
    } finally {
      if (own === undefined) delete process.env.PULUMI_OPTION_CONFIG_FILE;
      else process.env.PULUMI_OPTION_CONFIG_FILE = own;
    }
  });
});
