/**
 * docs/guide.md maps the guide, section by section, and no block of the guide is left out. The guide
 * itself lies outside of this repository: here are its headings, and of each block a hash. What the
 * snippets do is asked in test/e2e/guide.e2e.ts.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import { parse } from 'yaml';
import { entryOf, environmentName } from '../components/catalog.ts';
import { refusalOf } from '../components/shape.ts';
import { withExamples } from '../operations/docs.ts';
import { readEnvText } from '../operations/import/env-file.ts';
import { parseStackFile } from '../settings/stack-file.ts';
import { validate } from '../settings.ts';
import { guideKeys } from './guide-keys.ts';

const guide = '../shared/secrets-management-guide.md';
const folder = 'examples/guide';
const page = readFileSync('docs/guide.md', 'utf8');

/** A block of the guide: the first half of its SHA-256, and what became of it, as the page links to it. */
type Block = readonly [string, ...string[]];
const example = (name: string): string => `../${folder}/${name}`;

/** Its headings after the table of contents, in its order. */
const sections: readonly (readonly [string, ...Block[]])[] = [
  ['## Overview'],
  ['## Secret Types'],
  ['### Trading API Keys', ['01684e06c8472783', 'catalog.md#trading']],
  ['### Infrastructure Secrets', ['e2f6025948b573b5', 'catalog.md#infrastructure']],
  ['### Monitoring and Notification Secrets', ['68ef92ff4696aa3d', 'catalog.md#monitoring']],
  ['## Docker Secrets Management'],
  ['### Docker Swarm Secrets'],
  ['#### Creating Secrets', ['403b60ddce7b8273', example('docker-secrets.sh')]],
  ['#### Using Secrets in Docker Compose', ['f4d59dac94f36b51', example('stack.yaml')]],
  ['### Docker Compose File Mounting', ['129203e28d95cf63', example('compose.yaml')]],
  ['#### Secrets Directory Structure', ['9f02ffb9807e8171', example('secrets-tree.txt')]],
  ['## Kubernetes Secrets Management'],
  ['### Native Kubernetes Secrets'],
  ['#### Creating Secrets', ['4b2b2d3c52f30809', example('kubernetes-secrets.sh')]],
  ['#### Consuming Secrets in Deployments', ['6450f16104fbd2d7', example('deployment.yaml')]],
  ['### SealedSecrets (GitOps) and SOPS/age'],
  [
    '#### Installation',
    [
      'c7a6e93a2705b7bd',
      'targets/sealed-secrets.md#what-you-need',
      'targets/sops.md#what-you-need',
    ],
  ],
  [
    '#### Creating SealedSecrets',
    ['41c5db5353339c32', example('sealed-secrets.sh'), example('sops.sh')],
  ],
  ['#### Example SealedSecret', ['80644512820a130a', example('sealed-trading-keys.yaml')]],
  ['### External Secret Operators'],
  ['#### AWS Secrets Manager', ['d6dca3e9e02f5a8a', example('external-secret.yaml')]],
  ['## Environment Variables'],
  ['### Environment File Management', ['cf4e0a340fc87566', example('env.secrets')]],
  [
    '### Loading Environment Variables',
    ['4f15a48be1c50aac', example('load-env.sh'), example('compose.env.yaml')],
  ],
  ['## Best Practices'],
  ['## Secret Rotation'],
  ['## Auditing and Compliance'],
];

interface Section {
  readonly heading: string;
  readonly text: string;
  readonly blocks: readonly string[];
}

/** Sections of a page of Markdown, with their blocks of code. */
function sectionsOf(markdown: string): readonly Section[] {
  const found: { heading: string; text: string; blocks: string[] }[] = [];
  let block: string[] | undefined;
  for (const line of markdown.split('\n')) {
    const last = found.at(-1);
    if (line.startsWith('```')) {
      if (block !== undefined) last?.blocks.push(block.join('\n'));
      block = block === undefined ? [] : undefined;
    } else if (block !== undefined) block.push(line);
    else if (/^#+ /u.test(line)) found.push({ heading: line, text: '', blocks: [] });
    else if (last !== undefined) last.text += `${line}\n`;
  }
  return found;
}

const hashOf = (block: string): string =>
  createHash('sha256').update(block).digest('hex').slice(0, 16);

describe('the page of the guide', () => {
  /** Sections that are the page's own. */
  const own = ['# The guide, section by section', '## What the guide never did'];

  it("has each of the guide's sections, by its heading and in its order", () => {
    const headings = sectionsOf(page).map(({ heading }) => heading);
    assert.deepEqual(
      headings.filter((heading) => !own.includes(heading)),
      sections.map(([heading]) => heading),
    );
  });

  it("says in each section what became of the guide's blocks there", () => {
    const mine = sectionsOf(page).filter(({ heading }) => !own.includes(heading));
    for (const [at, [heading, ...blocks]] of sections.entries()) {
      for (const [, ...became] of blocks) {
        for (const link of became) {
          assert.ok(mine[at]?.text.includes(`](${link})`), `${heading}: ${link}`);
        }
      }
    }
  });

  it('has all headings and blocks of the guide, where the guide is at hand', function () {
    if (!existsSync(guide)) this.skip();
    const theirs = sectionsOf(readFileSync(guide, 'utf8')).slice(2);
    assert.deepEqual(
      theirs.map(({ heading, blocks }) => [heading, ...blocks.map(hashOf)]),
      sections.map(([heading, ...blocks]) => [heading, ...blocks.map(([hash]) => hash)]),
    );
  });

  it('shows every file of examples/guide as it is, and nothing else (npm run docs)', () => {
    assert.equal(page, withExamples(page));
    const shown = sectionsOf(page).flatMap(({ blocks }) => blocks);
    const files = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
    assert.deepEqual(shown.map((block) => `${block}\n`).toSorted(), files.toSorted());
  });

  it('notices a file that has changed (the control)', () => {
    const spoilt = page.replace('docker secret create redis_password', 'docker secret rm');
    assert.notEqual(spoilt, page);
    assert.equal(withExamples(spoilt), page);
  });

  it('gives for tools the versions that are rehearsed', () => {
    for (const [target, tool, module] of [
      ['sealed-secrets', 'sealed-secrets', 'github.com/bitnami-labs/sealed-secrets'],
      ['sops', 'sops', 'github.com/getsops/sops/v3'],
    ]) {
      const text = readFileSync(`docs/targets/${target}.md`, 'utf8');
      const modules = readFileSync(`rehearsal/tools/${tool}/go.mod`, 'utf8');
      const version = new RegExp(`${module} (v[\\d.]+)`, 'u').exec(modules)?.[1];
      const release = /^release=https:\S+\/(v[\d.]+)$/mu.exec(text)?.[1];
      assert.ok(version !== undefined && version === release, `${target}: ${release}`);
    }
  });
});

describe("the guide's snippets that no server reads", () => {
  it('secret-types.yaml asks for its 23 keys and for no other', () => {
    const name = 'Pulumi.prod.yaml';
    const text = readFileSync(`${folder}/secret-types.yaml`, 'utf8');
    const { config } = parse(text) as { config: Readonly<Record<string, unknown>> };
    const asked = Object.entries(config).map(([key, value]) => [key.split(':')[1], value]);
    const checked = validate({
      stack: 'prod',
      config: {
        environment: 'prod',
        targets: ['compose'],
        protect: false,
        placeholders: true,
        ...Object.fromEntries(asked),
      },
      stackFile: parseStackFile(name, text, 'hummingbot-secrets'),
      projectDirectory: process.cwd(),
    });
    assert.ok('settings' in checked, JSON.stringify(checked));
    const keys = checked.settings.groups.flatMap(({ entries }) => [...entries.keys()]);
    assert.deepEqual(keys.toSorted(), [...guideKeys].toSorted());
  });

  it('secrets-tree.txt is where target compose writes the 23 keys', () => {
    const paths: string[] = [];
    let directory = '';
    for (const line of readFileSync(`${folder}/secrets-tree.txt`, 'utf8').trim().split('\n')) {
      const name = line.replace(/^[│├└─ ]+/u, '');
      if (name.endsWith('/')) directory = name;
      else paths.push(`${directory}${name}`);
    }
    const written = guideKeys.map((key) => `${entryOf(key).directory}/${key}`);
    assert.deepEqual(paths.toSorted(), written.toSorted());
  });

  it('env.secrets is read alike by dotenv and by `npm run import`, and each value is one of its key', () => {
    const text = readFileSync(`${folder}/env.secrets`, 'utf8');
    const byDotenv = parseDotenv(text);
    const { found, mistakes } = readEnvText(text, 'env.secrets', { stack: 'dev', command: '' });
    assert.deepEqual([found.length, mistakes], [7, []]);
    for (const { key, value } of found) {
      assert.equal(byDotenv[environmentName(key)], value, key);
      assert.equal(refusalOf(entryOf(key).shape, value), undefined, key);
    }
    assert.equal(Object.keys(byDotenv).length, found.length);
  });
});
