/** Who rotates, as the ledger names them. */
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { projectDirectory } from '../engine/workspace.ts';

/** As git calls whoever commits the ledger, else the machine's own name for them. */
export function author(): string {
  const git = spawnSync('git', ['config', 'user.email'], {
    cwd: projectDirectory,
    encoding: 'utf8',
  });
  return git.stdout?.trim() || userInfo().username;
}
