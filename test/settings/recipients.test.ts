import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TargetName } from '../../components/delivery/targets.ts';
import { lineOf, type Mistake } from '../../settings/mistake.ts';
import { checkGitopsDirectory, checkRecipients } from '../../settings/recipients.ts';

const age = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj';
const kms = 'arn:aws:kms:eu-central-1:210987654321:alias/hummingbot';
/** In two parts, or this file would be one that the check refuses. */
const secret = `AGE-SECRET-${'KEY-1'}${'Q9'.repeat(29)}`;

describe('the recipients', () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'recipients-'));
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  function check(
    recipients: unknown,
    targets: readonly TargetName[] = ['sops'],
    gitopsDirectory = 'gitops',
  ) {
    const lines: string[] = [];
    const config = recipients === undefined ? {} : { recipients };
    const raw = { stack: 'prod', config, stackFile: undefined, projectDirectory: project };
    const found = (mistake: Mistake): void => void lines.push(lineOf(mistake));
    return { recipients: checkRecipients(raw, targets, gitopsDirectory, found), lines };
  }

  it('are age public keys and ARNs of KMS keys', () => {
    const key = 'arn:aws:kms:us-east-1:210987654321:key/mrk-0a1b2c3d000040008000000000000000';
    assert.deepEqual(check([age, kms, key]), { recipients: [age, kms, key], lines: [] });
  });

  it('are asked for by the one target that encrypts for them', () => {
    assert.deepEqual(check(undefined).lines, [
      'recipients: got nothing; allowed: age public keys (age1...), and ARNs of KMS keys (arn:aws:kms:REGION:ACCOUNT:key/ID or alias/NAME); ' +
        'fix: pulumi config set --path \'recipients[0]\' "$(age-keygen -y KEYFILE)" --stack prod',
    ]);
    assert.deepEqual(check(undefined, ['compose']), { recipients: [], lines: [] });
  });

  for (const [what, item, reason] of [
    ['a key with a letter mistyped', age.replace('zvk', 'zvv'), /^recipients\[0\]: got text that/u],
    ['a key that was cut off', age.slice(0, -4), /^recipients\[0\]: got text that may be a value/u],
    ['an ssh key', 'ssh-ed25519 AAAA', /^recipients\[0\]: got "ssh-ed25519 AAAA"; /u],
    ['a role', 'arn:aws:iam::210987654321:role/x', /^recipients\[0\]: got /u],
    ['a number', 7, /^recipients\[0\]: got a number; /u],
    ['no list', undefined, /^recipients: got something that is not a list; /u],
  ] as const) {
    it(`refuse ${what}`, () => {
      const { lines } = check(item === undefined ? 'age1' : [item]);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', reason);
      assert.match(lines[0] ?? '', /fix: pulumi config rm /u);
    });
  }

  it('refuse the same one twice', () => {
    assert.match(check([age, age]).lines.join(), /^recipients\[1\]: got the same a second time; /u);
  });

  it('refuse a private key in their place, without a character of it', () => {
    const { lines, recipients } = check([secret]);
    assert.deepEqual(recipients, []);
    assert.match(lines.join(), /^recipients\[0\]: got a private key of age; .* make another key/u);
    assert.ok(!lines.join().includes('Q9Q9'));
  });

  it('refuse a private key that lies in the project or where git holds the files', () => {
    mkdirSync(join(project, 'keys'));
    mkdirSync(join(project, 'gitops/prod'), { recursive: true });
    const text = `# created: 2026-11-27\n# public key: ${age}\n${secret}\n`;
    writeFileSync(join(project, 'keys/age.txt'), text);
    writeFileSync(join(project, 'gitops/prod/mine'), text);
    const { lines } = check([age]);
    assert.equal(lines.length, 2);
    assert.match(
      lines.toSorted()[1] ?? '',
      /^"keys\/age\.txt": got a private key of age; allowed: one outside of .*; fix: move it there; /u,
    );
    assert.match(lines.toSorted()[0] ?? '', /^"gitops\/prod\/mine": got a private key of age/u);
    assert.ok(!/Q9Q9/u.test(lines.join()));
    assert.deepEqual(check([age], ['compose']).lines, [], 'no target that needs one');
  });

  it('refuse one in base64, as in a Secret, and one in UTF-16, as a shell of Windows writes it', () => {
    const text = `# public key: ${age}\n${secret}\n`;
    const base64 = Buffer.from(text).toString('base64');
    const files: Record<string, string | Buffer> = {
      'secret.yaml': `kind: Secret\ndata:\n  age.agekey: ${base64}\n`,
      'wrapped.b64': base64.replaceAll(/.{76}/gu, '$&\n'),
      'windows.txt': Buffer.from(`\ufeff${text}`, 'utf16le'),
    };
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(project, name), content);
    writeFileSync(
      join(project, 'public.yaml'),
      `recipient: ${Buffer.from(age.repeat(3)).toString('base64')}`,
    );
    const { lines } = check([age]);
    assert.deepEqual(
      lines.map((line) => line.split(':')[0]).toSorted(),
      Object.keys(files)
        .map((name) => JSON.stringify(name))
        .toSorted(),
    );
    assert.deepEqual(check([base64]).recipients, []);
    assert.match(check([base64]).lines[0] ?? '', /^recipients\[0\]: got a private key of age/u);
  });

  it('refuse one anywhere in the repository that the files are for', () => {
    const repository = mkdtempSync(join(tmpdir(), 'repository-'));
    try {
      mkdirSync(join(repository, '.git'));
      mkdirSync(join(repository, 'clusters'));
      writeFileSync(join(repository, 'keys.txt'), secret);
      const { lines } = check([age], ['sops'], join(repository, 'clusters/bots'));
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', /keys\.txt": got a private key of age/u);
    } finally {
      rmSync(repository, { recursive: true });
    }
  });

  it('mind no file behind a link, in git itself or in what npm brought', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'));
    try {
      writeFileSync(join(elsewhere, 'keys.txt'), secret);
      symlinkSync(join(elsewhere, 'keys.txt'), join(project, 'link'));
      symlinkSync(elsewhere, join(project, 'folder'));
      for (const name of ['.git', 'node_modules', '.local']) {
        mkdirSync(join(project, name));
        writeFileSync(join(project, name, 'keys.txt'), secret);
      }
      assert.deepEqual(check([age]).lines, []);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});

describe('the directory for GitOps', () => {
  function mistakes(gitops: string, output: string): readonly string[] {
    const lines: string[] = [];
    const raw = { stack: 'prod', config: {}, stackFile: undefined, projectDirectory: '/project' };
    checkGitopsDirectory(raw, gitops, output, (mistake) => void lines.push(lineOf(mistake)));
    return lines;
  }

  it('lies apart from what holds values', () => {
    assert.deepEqual(mistakes('gitops', 'out'), []);
    assert.deepEqual(mistakes('/srv/gitops', 'out'), []);
    assert.deepEqual(mistakes('output', 'out'), []);
    for (const [gitops, output] of [
      ['out', 'out'],
      ['./out/', 'out'],
      ['out/gitops', 'out'],
      ['files', 'files/out'],
      ['/project/out', 'out'],
    ] as const) {
      const [line = '', ...more] = mistakes(gitops, output);
      assert.deepEqual(more, []);
      assert.match(line, /^gitopsDirectory: got .*; allowed: .*; fix: pulumi config set /u, gitops);
    }
  });
});
