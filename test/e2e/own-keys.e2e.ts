/** Another passphrase for a stack, by examples/change-passphrase.sh, and what the old one opens then. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encryptionOf, opens } from '../../operations/engine/passphrase.ts';
import { openerOf } from '../../operations/engine/sealed-text.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Checkout, listFiles, type Result } from './checkout.ts';

const sealedText = /v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]+=*/gu;
const saltText = /v1:[A-Za-z0-9+/=]{12}:v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]+=*/gu;

describe("a stack's passphrase", () => {
  let checkout: Checkout;
  let backend: string;
  const values = new Map([
    ['first', makeCanary('first')],
    ['second', makeCanary('second')],
  ]);
  const phrases = { old: makeCanary('old'), new: makeCanary('new') };
  let salts: readonly string[] = [];

  before(async () => {
    checkout = new Checkout();
    backend = join(checkout.temporary, 'backend');
    mkdirSync(backend, { mode: 0o700 });
    for (const [name, text] of Object.entries(phrases)) {
      writeFileSync(phraseFile(name), text, { mode: 0o600 });
    }
    for (const value of values.values()) {
      const words =
        'run -s pulumi -- config set --secret --path trading.binance_api_key --stack dev';
      const set = await run('old', 'npm', words.split(' '), value);
      assert.equal(set.code, 0, set.stderr);
      const up = await run('old', 'npm', ['start']);
      assert.equal(up.code, 0, up.stderr);
    }
  });

  after(() => checkout.remove());

  function phraseFile(name: string): string {
    return join(checkout.temporary, `passphrase-${name}`);
  }

  async function run(
    phrase: string,
    command: string,
    words: readonly string[],
    input = '',
  ): Promise<Result> {
    const env = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: phraseFile(phrase),
    };
    return await checkout.run(command, words, { env, input });
  }

  /** How many encrypted texts a passphrase opens, by the kind of file that holds them. */
  function opened(phrase: string): Readonly<Record<string, number>> {
    const texts = new Map(
      [
        join(checkout.directory, 'Pulumi.dev.yaml'),
        ...listFiles(backend).map((path) => join(backend, path)),
      ]
        .filter((path) => !path.endsWith('.attrs'))
        .map((path) => [path, readFileSync(path, 'utf8')] as const),
    );
    salts = [
      ...new Set([...salts, ...[...texts.values()].flatMap((text) => text.match(saltText) ?? [])]),
    ];
    const openers = salts
      .filter((salt) => opens(phrase, salt))
      .map((salt) => openerOf(phrase, salt.split(':')[1] ?? ''));
    const counts: Record<string, number> = {};
    for (const [path, text] of texts) {
      const kind = /\.pulumi\/(history|backups|stacks)\//u.exec(path)?.[1] ?? 'file';
      const name = path.endsWith('.bak') ? 'last backup' : kind;
      const sealed = new Set(text.replaceAll(saltText, '').match(sealedText) ?? []);
      const open = [...sealed].filter((each) =>
        openers.some((opener) => opener(each) !== undefined),
      );
      counts[name] = (counts[name] ?? 0) + open.length;
    }
    return counts;
  }

  it('is changed in the stack file and the state; history and backups stay as they were', async () => {
    const before = opened(phrases.old);
    assert.ok((before.file ?? 0) === 1 && (before.stacks ?? 0) > 20, 'the control');
    const script = ['examples/change-passphrase.sh', 'dev', phraseFile('new')];
    const change = await run('old', 'sh', script);
    assert.equal(change.code, 0, change.stderr);
    assert.match(change.stdout, /51 unchanged/);
    const [old, now] = [opened(phrases.old), opened(phrases.new)];
    console.log('      opened by', JSON.stringify({ before, old, new: now }));
    assert.deepEqual([old.file, old.stacks], [0, 0]);
    assert.deepEqual([now.file, now.stacks], [before.file, before.stacks]);
    assert.deepEqual([old.history, old.backups], [before.history, before.backups]);
    assert.ok((old.history ?? 0) > 0 && (old.backups ?? 0) > 0);
    const { salt } = encryptionOf(checkout.read('Pulumi.dev.yaml'));
    assert.ok(opens(phrases.new, salt) && !opens(phrases.old, salt));
  });

  it('opens nothing more once it is the old one, and the new one changes nothing that is deployed', async () => {
    const refused = await run('old', 'npm', ['start', '--', 'preview']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /got another passphrase than the one that encrypted stack dev/);
    const up = await run('new', 'npm', ['start']);
    assert.equal(up.code, 0, up.stderr);
    assert.match(up.stdout, /51 unchanged/);
    assert.match(up.stdout, /Changed: no value/);
  });

  it('opens nothing at all once history and backups are gone, as docs/security.md says', async () => {
    for (const folder of ['history', 'backups'])
      rmSync(join(backend, '.pulumi', folder), { recursive: true });
    assert.deepEqual(
      Object.values(opened(phrases.old)).filter((count) => count > 0),
      [],
    );
    const up = await run('new', 'npm', ['start']);
    assert.equal(up.code, 0, up.stderr);
  });

  it('is not made empty by an empty file, and shows nothing of itself or a value', async () => {
    const empty = join(checkout.temporary, 'empty');
    writeFileSync(empty, '');
    const refused = await run('new', 'sh', ['examples/change-passphrase.sh', 'dev', empty]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^\S+empty: got less than 16 bytes; allowed: [^\n]+\n$/);
    assert.equal((await run('new', 'npm', ['start', '--', 'preview'])).code, 0);
    const all = new Map([
      ...values,
      ...Object.entries(phrases),
      ['random', randomBytes(16).toString('hex')],
    ]);
    assert.deepEqual(leaks(checkout.printed.join('\n'), all), []);
  });
});
