import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTooOld, pinnedImage } from '../../settings/image.ts';

const sha256 = `sha256:${'0af1'.repeat(16)}`;
const sha512 = `sha512:${'0af1'.repeat(32)}`;

/** The same grammar read by hand, from the end to the beginning. */
function isPinnedByHand(text: string): boolean {
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0) return false;
  const colon = named.lastIndexOf(':');
  const tag = colon > named.lastIndexOf('/') ? named.slice(colon + 1) : undefined;
  const name = tag === undefined ? named : named.slice(0, colon);
  if (digest === undefined && (tag === undefined || tag === 'latest')) return false;
  if (tag !== undefined && !/^\w[\w.-]*$/u.test(tag)) return false;
  if (tag !== undefined && tag.length > 128) return false;
  if (digest !== undefined) {
    const [algorithm = '', hex = ''] = digest.split(':');
    const length = { sha256: 64, sha384: 96, sha512: 128 }[algorithm];
    if (digest.split(':').length !== 2 || hex.length !== length) return false;
    if ([...hex].some((digit) => !'0123456789abcdef'.includes(digit))) return false;
  }
  const parts = name.split('/');
  const isPath = (path: readonly string[]): boolean =>
    path.length > 0 && path.join('/').length <= 255 && path.every(isPathComponent);
  return isPath(parts) || (isDomain(parts[0] ?? '') && isPath(parts.slice(1)));
}

function isPathComponent(part: string): boolean {
  const separators = part.split(/[a-z0-9]+/u);
  return (
    separators.length > 1 &&
    separators.at(0) === '' &&
    separators.at(-1) === '' &&
    separators.slice(1, -1).every((each) => ['.', '_', '__'].includes(each) || /^-+$/u.test(each))
  );
}

function isDomain(text: string): boolean {
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::(.*))?$/u.exec(text) ?? [];
  if (port !== undefined && (port === '' || [...port].some((c) => c < '0' || c > '9')))
    return false;
  if (host.startsWith('[')) return /^\[[0-9a-fA-F:]+\]$/u.test(host);
  return host.split('.').every((label) => {
    const inner = !label.startsWith('-') && !label.endsWith('-');
    return inner && label !== '' && [...label].every((c) => /[A-Za-z0-9-]/u.test(c));
  });
}

describe('the grammar of images', () => {
  const good = [
    'hb:1',
    'hummingbot/hummingbot:version-2.16.0',
    'localhost:5000/x/y:1',
    `reg.example:443/a_b/c--d:1.0@${sha256}`,
    `a__b/c.d@${sha512}`,
    '[2001:db8::1]:5000/x:1',
    'Registry.Example/x:LATEST',
    'x:latest-1',
    // The digest pins it, whatever the tag.
    `x:latest@${sha256}`,
    `r.example/${'a'.repeat(255)}:1`,
    `x:${'t'.repeat(128)}`,
    // A host's port, and not a tag.
    `localhost:5000/x@${sha256}`,
  ];
  const bad = [
    '',
    'hb',
    'hb:latest',
    'localhost:5000/hb',
    'localhost:5000/hb:latest',
    'a//b:1',
    'a:b:c:1',
    'hb/:1',
    'hb:',
    ':1',
    '/hb:1',
    'a_/b:1',
    'a___b:1',
    'a..b:1',
    '-a:1',
    'a/B:1',
    'Hb:1',
    'a.example:port/x:1',
    '-a.example/x:1',
    'x:-1',
    'x: 1',
    'x:1\n',
    `x:${'t'.repeat(129)}`,
    `r.example/${'a'.repeat(256)}:1`,
    'x@sha256:12',
    `x@sha256:${'0'.repeat(63)}`,
    `x@sha256:${'A'.repeat(64)}`,
    `x@md5:${'0'.repeat(32)}`,
    `x@${sha256}:1`,
    `x@${sha256}@${sha256}`,
    'https://r.example/x:1',
  ];
  for (const image of good) {
    it(`takes ${image.slice(0, 60)}`, () => assert.match(image, pinnedImage));
  }
  for (const image of bad) {
    it(`refuses ${JSON.stringify(image.slice(0, 60))}`, () =>
      assert.doesNotMatch(image, pinnedImage));
  }

  const component = fc.stringMatching(/^[a-z0-9]{1,4}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,3}){0,2}$/u);
  const label = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,4}[A-Za-z0-9])?$/u);
  const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
  const domain = fc
    .tuple(host, fc.option(fc.nat(65_535)))
    .map(([name, port]) => (port === null ? `${name}/` : `${name}:${port}/`));
  const tag = fc
    .stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/u)
    .filter((text) => text !== 'latest');
  const pin = fc.oneof(
    tag.map((text) => `:${text}`),
    fc.constant(`@${sha256}`),
    tag.map((text) => `:${text}@${sha512}`),
  );
  const image = fc
    .tuple(fc.option(domain), fc.array(component, { minLength: 1, maxLength: 4 }), pin)
    .map(([start, path, end]) => `${start ?? ''}${path.join('/')}${end}`);

  it('takes whatever the grammar makes', () => {
    fc.assert(
      fc.property(image, (text) => pinnedImage.test(text) && isPinnedByHand(text)),
      { numRuns: 2000 },
    );
  });

  it('agrees with a reading by hand on what nearly is one', () => {
    const noise = fc.constantFrom(...'aB0._-/:@[] ', 'latest', '//', '::', sha256);
    const broken = fc
      .tuple(image, fc.nat(), noise, fc.nat(1))
      .map(([text, at, character, removed]) => {
        const index = at % (text.length + 1);
        return text.slice(0, index) + character + text.slice(index + removed);
      });
    const short = fc.array(noise, { maxLength: 8 }).map((parts) => parts.join(''));
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(broken, short), (text) => {
        const fine = pinnedImage.test(text);
        if (!fine) refused += 1;
        assert.equal(fine, isPinnedByHand(text), text);
      }),
      { numRuns: 5000 },
    );
    assert.ok(refused > 500);
  });

  it('takes no longer for what is built to take long', () => {
    const begun = performance.now();
    for (const text of [`${'a-'.repeat(20_000)}`, 'a.'.repeat(20_000), `${'a/'.repeat(20_000)}:`]) {
      assert.doesNotMatch(text, pinnedImage);
    }
    assert.ok(performance.now() - begun < 1000);
  });
});

describe('the version of Hummingbot', () => {
  it('is known from the tag of an official image, and before 2.16 too old', () => {
    for (const tag of ['version-2.15.0', '2.15.0', 'version-1.28.1', 'version-2.9.0']) {
      assert.ok(isTooOld(`hummingbot/hummingbot:${tag}`), tag);
      assert.ok(isTooOld(`ghcr.io/mirror/hummingbot:${tag}@sha256:${'0'.repeat(64)}`), tag);
    }
    for (const tag of ['version-2.16.0', '2.17.0', 'version-3.0.0', 'development', 'mine-1.0.0']) {
      assert.ok(!isTooOld(`hummingbot/hummingbot:${tag}`), tag);
    }
    assert.ok(!isTooOld(`hummingbot/hummingbot@sha256:${'0'.repeat(64)}`));
    assert.ok(!isTooOld('mine/nothing:1.0.0'));
  });
});
