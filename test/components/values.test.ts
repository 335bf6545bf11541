import assert from 'node:assert/strict';
import * as pulumi from '@pulumi/pulumi';
import { catalog, type SecretKey } from '../../components/catalog.ts';
import { SecretGroup, TagKey, tag } from '../../components/values.ts';
import { leaks, makeCanary } from '../canary.ts';
import { Recorder, settled } from '../recorder.ts';

function group(
  recorder: Recorder,
  values: Partial<Record<SecretKey, string>>,
  placeholders = false,
) {
  recorder.install('hummingbot-secrets', 'dev', false);
  const keys: SecretKey[] = ['binance_api_key', 'coinbase_passphrase', 'postgres_password'];
  return new SecretGroup('mixed', {
    entries: new Map(keys.map((key) => [key, catalog[key]])),
    values: new Map(Object.entries(values).map(([key, value]) => [key, pulumi.secret(value)])),
    placeholders,
    tagKey: new TagKey('tag').value,
  });
}

describe('a tag', () => {
  it('is ten characters of base32 that do not depend on the order of keys', () => {
    const one = tag('key', [
      ['a', '1'],
      ['b', '2'],
    ]);
    assert.match(one, /^[a-z2-7]{10}$/);
    assert.equal(
      tag('key', [
        ['b', '2'],
        ['a', '1'],
      ]),
      one,
    );
  });

  it('differs by value, by key, by boundary and by tag key', () => {
    const tags = [
      tag('key', [
        ['a', '1'],
        ['b', '2'],
      ]),
      tag('key', [
        ['a', '2'],
        ['b', '1'],
      ]),
      tag('key', [
        ['a', '1'],
        ['c', '2'],
      ]),
      tag('key', [['a', '1']]),
      tag('key', [['a', '1","b']]),
      tag('other', [
        ['a', '1'],
        ['b', '2'],
      ]),
    ];
    assert.equal(new Set(tags).size, tags.length);
  });
});

describe('SecretGroup', () => {
  it('takes values from config, generates passwords, and leaves optional keys out', async () => {
    const recorder = new Recorder();
    const made = group(recorder, { binance_api_key: 'one' });
    assert.deepEqual(
      made.secrets.map(({ key }) => key),
      ['binance_api_key', 'postgres_password'],
    );
    assert.equal(await settled(made.secrets[0]?.value ?? pulumi.output('')), 'one');
    assert.equal(
      await settled(made.secrets[1]?.value ?? pulumi.output('')),
      'generated-seed-mixed-postgres_password',
    );
  });

  it('generates nothing where config has a value', async () => {
    const recorder = new Recorder();
    const made = group(recorder, { binance_api_key: 'one', postgres_password: 'mine' });
    await settled(made.tag);
    const names = recorder.of('random:index/randomPassword:RandomPassword').map(({ name }) => name);
    assert.deepEqual(names, ['tag-key']);
  });

  it('fills what is missing with placeholders when it may', async () => {
    const made = group(new Recorder(), {}, true);
    assert.equal(made.secrets.length, 3);
    assert.equal(
      await settled(made.secrets[0]?.value ?? pulumi.output('')),
      'placeholder-binance-api-key',
    );
  });

  it('refuses a key without a value when it may not, and names the key alone', () => {
    assert.throws(() => group(new Recorder(), {}), /mixed\.binance_api_key: got no value/);
  });

  it('has a public tag and secret values, and registers no value outside secret marks', async () => {
    const canary = makeCanary('group');
    const recorder = new Recorder();
    const made = group(recorder, { binance_api_key: canary });
    assert.equal(await pulumi.isSecret(made.tag), false);
    assert.equal(await pulumi.isSecret(made.keyTags), false);
    assert.equal(await pulumi.isSecret(made.suffix), false);
    for (const { value } of made.secrets) assert.equal(await pulumi.isSecret(value), true);
    await settled(made.suffix);
    const canaries = new Map([['group', canary]]);
    assert.deepEqual(leaks(recorder.public(), canaries), []);
    assert.deepEqual(
      leaks(JSON.stringify([await settled(made.tag), await settled(made.keyTags)]), canaries),
      [],
    );
  });

  it('changes the tag of the changed key and of its group, and comes back with the value', async () => {
    const [a, b, again] = await Promise.all(
      ['A', 'B', 'A'].map(async (value) => {
        const made = group(new Recorder(), { binance_api_key: value });
        return { group: await settled(made.tag), keys: await settled(made.keyTags) };
      }),
    );
    assert.notEqual(a?.group, b?.group);
    assert.notEqual(a?.keys.binance_api_key, b?.keys.binance_api_key);
    assert.equal(a?.keys.postgres_password, b?.keys.postgres_password);
    assert.deepEqual(a, again);
  });

  it('keeps its suffix by the tag', async () => {
    const recorder = new Recorder();
    const made = group(recorder, { binance_api_key: 'one' });
    await settled(made.suffix);
    const [id] = recorder.of('random:index/randomId:RandomId');
    assert.deepEqual(id?.inputs.keepers, { tag: await settled(made.tag) });
  });

  it('hands no inputs to components, which Pulumi would save', async () => {
    const recorder = new Recorder();
    await settled(group(recorder, { binance_api_key: 'one' }).tag);
    for (const { type, inputs } of recorder.registrations) {
      if (type.startsWith('hummingbot-secrets:')) assert.deepEqual(inputs, {}, type);
    }
  });
});
