/** The document over a sops of the test's own; the real one is asked in test/e2e/sops.e2e.ts. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { SopsDocument } from '../../../plugins/hummingbot/sops-document.ts';
import { encryptedRegex } from '../../../plugins/hummingbot/sops-rules.ts';
import { PluginError, type Properties, unwrap } from '../../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../../canary.ts';
import { withoutSecrets } from '../../recorder.ts';
import { call } from '../calls.ts';

const canary = makeCanary('sops');
const canaries = new Map([['sops', canary]]);
const [mine, theirs] = ['age1mine', 'age1theirs'];

/** Counts what it is asked, and encrypts otherwise each time, as sops does. */
class FakeSops {
  readonly asked: string[] = [];
  hasKey = true;
  spoiled = (document: string): string => document;

  async version(): Promise<string> {
    return '3.13.3';
  }

  async encrypt(plaintext: string, recipients: readonly string[]): Promise<string> {
    this.asked.push('encrypt');
    const { data, ...others } = JSON.parse(plaintext);
    const values = Object.keys(data).map((key) => [
      key,
      `ENC[AES256_GCM,data:${this.asked.length},type:str]`,
    ]);
    return this.spoiled(
      stringify({ ...others, data: Object.fromEntries(values), sops: this.#sops(recipients) }),
    );
  }

  async rewrap(document: string, recipients: readonly string[]): Promise<string | undefined> {
    this.asked.push('rewrap');
    if (!this.hasKey) return undefined;
    return document.replace(/^sops:\n[\s\S]*/mu, stringify({ sops: this.#sops(recipients) }));
  }

  #sops(recipients: readonly string[]): object {
    return {
      encrypted_regex: encryptedRegex,
      mac: 'ENC[]',
      age: recipients.map((recipient) => ({ recipient, enc: 'wrapped' })),
    };
  }
}

describe('SopsDocument', () => {
  let project: string;
  let sops: FakeSops;
  let document: SopsDocument;
  const path = () => join(project, 'gitops/prod/encrypted/trading.yaml');
  const text = () => readFileSync(path(), 'utf8');
  const inputs = (more: Properties = {}): Properties => ({
    root: 'gitops',
    path: 'prod/encrypted/trading.yaml',
    manifest: JSON.stringify({ kind: 'Secret', data: { key: canary } }),
    recipients: [mine],
    ...more,
  });
  const made = async (more: Properties = {}): Promise<Properties> =>
    unwrap((await document.create(inputs(more), call())).outs) as Properties;
  const updated = async (olds: Properties, news: Properties, of = call()): Promise<Properties> =>
    unwrap((await document.update('id', olds, news, of)).outs) as Properties;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'sops-document-'));
    sops = new FakeSops();
    document = new SopsDocument(project, sops);
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  it('writes what sops made, and keeps it beside the input, which alone is secret', async () => {
    const { id, outs } = await document.create(inputs(), call());
    assert.equal(id, 'gitops/prod/encrypted/trading.yaml');
    assert.deepEqual(leaks(text(), canaries), []);
    assert.equal(unwrap(outs.document), text());
    assert.deepEqual(leaks(JSON.stringify(withoutSecrets(outs)), canaries), []);
    // The control: inside of the mark it is.
    assert.notDeepEqual(leaks(JSON.stringify(outs), canaries), []);
    const { inputs: checked } = await document.check({}, inputs());
    assert.deepEqual(leaks(JSON.stringify(withoutSecrets(checked)), canaries), []);
  });

  it('has no change where nothing changed, not by the order of its recipients either', async () => {
    const olds = await made({ recipients: [mine, theirs] });
    for (const recipients of [
      [mine, theirs],
      [theirs, mine],
    ]) {
      const diff = await document.diff('id', olds, inputs({ recipients }));
      assert.deepEqual(diff, { changes: false, replaces: [] });
    }
    const { props } = await document.read('id', olds);
    assert.deepEqual(unwrap(props), olds);
    assert.deepEqual(sops.asked, ['encrypt']);
  });

  it('is encrypted anew for other contents', async () => {
    const olds = await made();
    const before = text();
    const manifest = JSON.stringify({ kind: 'Secret', data: { key: 'other' } });
    assert.equal((await document.diff('id', olds, inputs({ manifest }))).changes, true);
    await updated(olds, inputs({ manifest }));
    assert.notEqual(text(), before);
    assert.deepEqual(sops.asked, ['encrypt', 'encrypt']);
  });

  it('is wrapped anew for other recipients, its values as they were encrypted', async () => {
    const olds = await made();
    const news = inputs({ recipients: [mine, theirs] });
    assert.equal((await document.diff('id', olds, news)).changes, true);
    const of = call();
    await updated(olds, news, of);
    assert.deepEqual(sops.asked, ['encrypt', 'rewrap']);
    assert.deepEqual(of.lines, []);
    assert.equal(text().split('sops:')[0], String(olds.document).split('sops:')[0]);
    assert.match(text(), /age1theirs/u);
  });

  it('is encrypted anew where no key at hand opens it, and says so', async () => {
    const olds = await made();
    sops.hasKey = false;
    const of = call();
    await updated(olds, inputs({ recipients: [theirs] }), of);
    assert.deepEqual(sops.asked, ['encrypt', 'rewrap', 'encrypt']);
    assert.deepEqual(of.lines, [
      'warning: gitops/prod/encrypted/trading.yaml: no key at hand opens it, so it was encrypted anew and not wrapped anew; 1 of its recipients can read it no more',
    ]);
    assert.ok(!text().includes('age1mine') && text().includes('age1theirs'));
  });

  it('comes back byte by byte when somebody changed or deleted it, without an encryption', async () => {
    const olds = await made();
    const before = text();
    for (const spoil of [() => writeFileSync(path(), 'other'), () => rmSync(path())]) {
      spoil();
      const { props } = await document.read('id', olds);
      const seen = unwrap(props) as Properties;
      assert.equal(seen.asWritten, false);
      assert.equal((await document.diff('id', seen, inputs())).changes, true);
      await updated(seen, inputs());
      assert.equal(text(), before);
    }
    assert.deepEqual(sops.asked, ['encrypt']);
  });

  it('refuses what sops did not encrypt, or for others, and leaves the old file alone', async () => {
    const olds = await made();
    const before = text();
    const news = inputs({
      manifest: `${JSON.stringify({ kind: 'Secret', data: { key: canary } })} `,
    });
    for (const spoiled of [
      (good: string) => good.replace(/ENC\[AES.*\]/u, canary),
      (good: string) => good.replace('age1mine', 'age1somebody'),
      (good: string) => good.replace(encryptedRegex, '^none$'),
      () => '{',
      () => '',
    ]) {
      sops.spoiled = spoiled;
      await assert.rejects(updated(olds, news), (error: Error) => {
        assert.ok(error instanceof PluginError);
        assert.match(
          error.message,
          /^gitops\/prod\/encrypted\/trading\.yaml: got something else .*; fix: /u,
        );
        assert.deepEqual(leaks(error.message, canaries), []);
        return true;
      });
      assert.equal(text(), before);
    }
    assert.deepEqual(readdirSync(join(project, 'gitops/prod/encrypted')), ['trading.yaml']);
  });

  it('moves to another place, and goes from the old one', async () => {
    const olds = await made();
    const diff = await document.diff('id', olds, inputs({ root: 'elsewhere' }));
    assert.deepEqual(diff, { changes: true, replaces: ['root'] });
    await document.delete('id', olds);
    assert.deepEqual(readdirSync(join(project, 'gitops')), []);
  });

  it('refuses no recipients, and a manifest that is no text, at check', async () => {
    for (const [more, property] of [
      [{ recipients: [] }, 'recipients'],
      [{ recipients: 'age1mine' }, 'recipients'],
      [{ manifest: 7 }, 'manifest'],
      [{ path: '../x' }, 'path'],
    ] as const) {
      const { failures } = await document.check({}, inputs(more));
      assert.deepEqual(
        failures?.map((each) => each.property),
        [property],
      );
    }
  });
});
