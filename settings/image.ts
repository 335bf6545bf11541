/**
 * The grammar of image references, pinned: a tag other than `latest`, or a digest. After
 * https://github.com/distribution/reference (reference.go, regexp.go) and, for the length of
 * digests, https://github.com/opencontainers/go-digest (algorithm.go).
 */

const domainComponent = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`;
const domain = `${host}(?::[0-9]+)?`;
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
/** At most 255 characters without the domain (`RepositoryNameTotalLengthMax`). */
const path = `(?=[^:@]{1,255}[:@])${pathComponent}(?:/${pathComponent})*`;
const tag = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const digest = '(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})';

/** `latest` beside a digest pins nothing less: the digest decides. */
const pin = `(?::(?!latest$)${tag}(?:@${digest})?|@${digest})`;

export const pinnedImage = new RegExp(`^(?:${domain}/)?${path}${pin}$`, 'u');

/** The first with `hbot` and its engine, which the launcher runs. */
const oldest = { major: 2, minor: 16 };

/** Whether the tag of an official image names a Hummingbot that the launcher cannot run. */
export function isTooOld(image: string): boolean {
  const match = /\/hummingbot:(?:version-)?(\d{1,4})\.(\d{1,4})\./u.exec(`/${image}`);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major < oldest.major || (major === oldest.major && minor < oldest.minor);
}
