import assert from 'node:assert/strict';
import { compare } from 'bcryptjs';
import { unwrap } from '../../../plugins/provider-server.ts';
import { RandomId } from '../../../rehearsal/plugins/random/random-id.ts';
import { RandomPassword } from '../../../rehearsal/plugins/random/random-password.ts';

type Outs = Record<string, unknown>;

describe('the rehearsal plugin for random', () => {
  const password = new RandomPassword();
  const id = new RandomId();

  it('makes every output of RandomPassword, with the defaults of the official one', async () => {
    const made = await password.create({ length: 32, special: false });
    const outs = unwrap(made.outs) as Outs;
    assert.equal(made.id, 'none');
    const { result, bcryptHash, ...rest } = outs;
    assert.deepEqual(rest, {
      length: 32,
      special: false,
      lower: true,
      upper: true,
      number: true,
      numeric: true,
      minLower: 0,
      minUpper: 0,
      minNumeric: 0,
      minSpecial: 0,
      __meta: '{"schema_version":"3"}',
    });
    assert.match(String(result), /^[A-Za-z0-9]{32}$/);
    assert.equal(await compare(String(result), String(bcryptHash)), true);
    assert.match(String(bcryptHash), /^\$2[ab]\$10\$/);
  });

  it('marks result and hash as secret, also when it reads', async () => {
    const made = await password.create({ length: 8 });
    const read = await password.read('none', unwrap(made.outs) as Outs);
    for (const props of [made.outs, read.props]) {
      assert.equal(typeof props.result, 'object');
      assert.equal(typeof props.bcryptHash, 'object');
    }
  });

  it('keeps minimums and overrides', async () => {
    const { outs } = await password.create({
      length: 6,
      minNumeric: 4,
      minSpecial: 2,
      overrideSpecial: '#',
    });
    const result = String((unwrap(outs) as Outs).result);
    assert.equal([...result].filter((c) => /\d/.test(c)).length, 4);
    assert.equal([...result].filter((c) => c === '#').length, 2);
  });

  it('uses all characters about alike', async () => {
    const { outs } = await password.create({ length: 6200, special: false });
    const counts = new Map<string, number>();
    for (const c of String((unwrap(outs) as Outs).result)) counts.set(c, (counts.get(c) ?? 0) + 1);
    assert.equal(counts.size, 62);
    // 100 each on average; 40 is six standard deviations away.
    for (const [c, count] of counts) assert.ok(count > 40 && count < 160, `${c}: ${count}`);
  });

  it('makes every output of RandomId from the same bytes', async () => {
    const made = await id.create({ byteLength: 4, prefix: 'p-', keepers: { tag: 't' } });
    const { b64Std, b64Url, dec, hex, keepers } = unwrap(made.outs) as Record<string, string>;
    const bytes = Buffer.from(made.id, 'base64url');
    assert.equal(bytes.length, 4);
    assert.equal(b64Url, `p-${bytes.toString('base64url')}`);
    assert.equal(b64Std, `p-${bytes.toString('base64')}`);
    assert.equal(hex, `p-${bytes.toString('hex')}`);
    assert.equal(dec, `p-${bytes.readUInt32BE(0)}`);
    assert.deepEqual(keepers, { tag: 't' });
  });

  it('replaces at any changed input, and at none else', async () => {
    const state = unwrap((await id.create({ byteLength: 4, keepers: { tag: 'a' } })).outs) as Outs;
    const diff = async (news: Outs) => await id.diff('', state, news);
    assert.deepEqual(await diff({ byteLength: 4, keepers: { tag: 'a' } }), {
      changes: false,
      replaces: [],
    });
    assert.deepEqual(await diff({ byteLength: 4, keepers: { tag: 'b' } }), {
      changes: true,
      replaces: ['keepers'],
    });
    assert.deepEqual(await diff({ byteLength: 4 }), { changes: true, replaces: ['keepers'] });
    assert.deepEqual(await diff({ byteLength: 5, keepers: { tag: 'a' } }), {
      changes: true,
      replaces: ['byteLength'],
    });
  });

  it('refuses inputs that the official one has not', async () => {
    const failures = async (inputs: Outs) =>
      (await password.check({}, inputs)).failures?.map((f) => f.property);
    assert.deepEqual(await failures({ length: 8, size: 9 }), ['size']);
    assert.deepEqual(await failures({ length: 0 }), ['length']);
    assert.deepEqual(await failures({}), ['length']);
    assert.deepEqual(
      (await id.check({}, { byteLength: 1.5 })).failures?.map((f) => f.property),
      ['byteLength'],
    );
  });
});
