/**
 * What stands in for GitHub beside a workflow's steps: a repository that is pushed to, and a `gh` that
 * keeps one issue and writes down what it is asked.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkout } from './checkout.ts';

export class GitHub {
  /** Folder of the `gh`, for PATH. */
  readonly tools: string;
  readonly #checkout: Checkout;
  readonly #asked: string;
  readonly #issue: string;

  /** Makes the checkout's branch `main`, and its origin. */
  constructor(checkout: Checkout) {
    const folder = join(checkout.temporary, 'github');
    this.tools = join(folder, 'bin');
    this.#checkout = checkout;
    this.#asked = join(folder, 'asked');
    this.#issue = join(folder, 'issue');
    mkdirSync(this.tools, { recursive: true });
    writeFileSync(
      join(this.tools, 'gh'),
      `#!/bin/sh
[ -n "$GH_TOKEN" ] || exit 4
printf '%s\\n' "$*" >> '${this.#asked}'
for word; do file=$word; done
case "$1 $2" in
'issue list') [ ! -e '${this.#issue}' ] || echo 7 ;;
'issue create' | 'issue edit') cp "$file" '${this.#issue}' ;;
'issue close') rm '${this.#issue}' ;;
esac
`,
    );
    chmodSync(join(this.tools, 'gh'), 0o755);
    const origin = join(folder, 'origin.git');
    this.git('branch', '-M', 'main');
    this.git('init', '-q', '--bare', origin);
    this.git('remote', 'add', 'origin', origin);
    this.push();
  }

  /** @returns what it prints */
  git(...words: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync('git', words, {
      cwd: this.#checkout.directory,
      encoding: 'utf8',
      // A history with its changes.
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`git ${words[0]}: ${stderr}`);
    return stdout;
  }

  /** Main as it is here. */
  push(): void {
    this.git('push', '-q', 'origin', 'main');
  }

  branches(): readonly string[] {
    const refs = this.git('ls-remote', '--heads', 'origin').trim().split('\n');
    return refs.map((line) => line.split('refs/heads/')[1] ?? '');
  }

  /** What `gh` was asked since the last time. */
  asked(): readonly string[] {
    const lines = existsSync(this.#asked)
      ? readFileSync(this.#asked, 'utf8').trim().split('\n')
      : [];
    writeFileSync(this.#asked, '');
    return lines.filter((line) => line !== '');
  }

  /** Text of the open issue; undefined when none is. */
  get issue(): string | undefined {
    return existsSync(this.#issue) ? readFileSync(this.#issue, 'utf8') : undefined;
  }

  /** As a person merges a pull request: main has its commits, and its branch is gone. */
  merge(branch: string): void {
    const heads = 'refs/heads/';
    this.git('fetch', '-q', 'origin');
    this.git('push', '-q', 'origin', `refs/remotes/origin/${branch}:${heads}main`);
    this.git('push', '-q', 'origin', `:${heads}${branch}`);
    this.takeMain();
  }

  /** As the next run's checkout does: main of the origin, and no branch of an earlier run. */
  takeMain(): void {
    this.git('fetch', '-q', '--prune', 'origin');
    this.git('checkout', '-q', '-B', 'main', 'origin/main');
    const others = this.git('branch', '--format', '%(refname:short)').trim().split('\n');
    for (const each of others.filter((name) => name !== 'main'))
      this.git('branch', '-q', '-D', each);
  }
}
