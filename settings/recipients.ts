/** Checks the settings of targets that write encrypted Secrets for git: where, and who can decrypt. */
import { join, normalize, relative, resolve } from 'node:path';
import { bech32 } from '@scure/base';
import { type TargetName, targetOf } from '../components/delivery/targets.ts';
import { workTreeOf } from './git.ts';
import { pulumiCommand, shown } from './mistake.ts';
import { hasPrivateKey, privateKeysBelow } from './private-keys.ts';
import type { Found, RawSettings } from './raw.ts';

const allowed =
  'age public keys (age1...), and ARNs of KMS keys (arn:aws:kms:REGION:ACCOUNT:key/ID or alias/NAME)';
const kmsArn = /^arn:aws:kms:[a-z0-9-]+:\d{12}:(?:key\/[a-z0-9-]{1,64}|alias\/[\w/-]{1,250})$/u;

/** @returns the recipients; none when no target encrypts for them */
export function checkRecipients(
  raw: RawSettings,
  chosen: readonly TargetName[],
  gitopsDirectory: string,
  found: Found,
): readonly string[] {
  const needed = chosen.some((name) => targetOf(name).encryptsFor === 'recipients');
  const value = raw.config.recipients ?? [];
  const mistaken = (what: string, got: string, fix: string): void =>
    found({ what, got, allowed, fix });
  if (!Array.isArray(value)) {
    mistaken(
      'recipients',
      'something that is not a list',
      pulumiCommand(raw.stack, 'config', 'rm', 'recipients'),
    );
    return [];
  }
  const recipients: string[] = [];
  for (const [index, item] of value.entries()) {
    const what = `recipients[${index}]`;
    const remove = pulumiCommand(raw.stack, 'config', 'rm', `--path '${what}'`);
    if (typeof item !== 'string') mistaken(what, `a ${typeof item}`, remove);
    else if (hasPrivateKey(item)) {
      const fix = `${remove}, and make another key: that one may be known now`;
      mistaken(what, 'a private key of age', fix);
    } else if (recipients.includes(item)) mistaken(what, 'the same a second time', remove);
    else if (isRecipient(item)) recipients.push(item);
    else mistaken(what, shown(item), remove);
  }
  if (!needed) return [];
  if (value.length === 0) {
    const words = ["--path 'recipients[0]'", '"$(age-keygen -y KEYFILE)"'];
    mistaken('recipients', 'nothing', pulumiCommand(raw.stack, 'config', 'set', ...words));
  }
  checkKeyFiles(raw, gitopsDirectory, found);
  return recipients;
}

function isRecipient(text: string): boolean {
  if (kmsArn.test(text)) return true;
  // The checksum tells a key that was not copied whole.
  const decoded = bech32.decodeUnsafe(text);
  return decoded?.prefix === 'age' && bech32.fromWordsUnsafe(decoded.words)?.length === 32;
}

/** What is written for git lies apart from what holds values, which git ignores. */
export function checkGitopsDirectory(
  { stack, projectDirectory }: RawSettings,
  gitopsDirectory: string,
  outputDirectory: string,
  found: Found,
): void {
  const [git, output] = [gitopsDirectory, outputDirectory].map((each) =>
    resolve(projectDirectory, normalize(each)),
  ) as [string, string];
  const isBelow = (one: string, other: string): boolean => !relative(other, one).startsWith('..');
  if (!isBelow(git, output) && !isBelow(output, git)) return;
  found({
    what: 'gitopsDirectory',
    got: `${shown(gitopsDirectory)}, together with outputDirectory ${shown(outputDirectory)}`,
    allowed: 'one that is neither inside of the other nor around it',
    fix: pulumiCommand(stack, 'config', 'set', 'gitopsDirectory', 'gitops'),
  });
}

/** In the project, and in all of the repository that the files are for. */
function checkKeyFiles(
  { projectDirectory }: RawSettings,
  gitopsDirectory: string,
  found: Found,
): void {
  const directory = resolve(projectDirectory, gitopsDirectory);
  const tree = workTreeOf(join(directory, 'file')) ?? directory;
  for (const path of privateKeysBelow([projectDirectory, tree])) {
    const shortest = relative(projectDirectory, path);
    found({
      what: JSON.stringify(shortest.startsWith('..') ? path : shortest),
      got: 'a private key of age',
      allowed:
        'one outside of the project and of the repository of gitopsDirectory, such as ~/.config/sops/age/keys.txt',
      fix: 'move it there; if it was ever committed, make another one',
    });
  }
}
