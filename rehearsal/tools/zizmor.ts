/** zizmor, which reads GitHub workflows for what an attacker could use; PyPI carries its binary. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeAbandoned } from '../../operations/engine/abandoned.ts';
import { CommandError } from '../../operations/engine/command-error.ts';
import { startProgress } from '../../operations/engine/progress.ts';
import { projectDirectory, workspace } from '../../operations/engine/workspace.ts';

const requirements = join(projectDirectory, 'rehearsal', 'tools', 'zizmor', 'requirements.txt');
const installing = '.installing-zizmor-';

/**
 * Installs it unless it is cached, pinned by version and hash.
 * @returns path of the binary
 * @throws CommandError when pip cannot fetch it
 */
export function installZizmor(): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const tools = join(workspace.cache, 'tools');
  const directory = join(tools, `zizmor-${hash}`);
  const binary = join(directory, 'bin', 'zizmor');
  if (existsSync(binary)) return binary;
  mkdirSync(tools, { recursive: true, mode: 0o700 });
  removeAbandoned(tools, installing);
  const progress = startProgress('fetching zizmor by pip', 'about 5 seconds');
  const work = join(tools, `${installing}${process.pid}`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const pins = ['--require-hashes', '--only-binary', ':all:', '-r', requirements];
  const { stderr } = spawnSync('python3', [...pip, ...pins, '--target', work], {
    encoding: 'utf8',
  });
  if (!existsSync(join(work, 'bin', 'zizmor'))) {
    rmSync(work, { recursive: true, force: true });
    progress.fail('pip could not fetch zizmor');
    const reason = stderr?.split('\n').find((line) => line.startsWith('ERROR:'))?.slice(7);
    throw new CommandError(
      `zizmor: got "${reason ?? 'no python3'}" from pip; allowed: Python 3 with pip, and PyPI; fix: python3 -m pip download --require-hashes -r ${requirements} -d /tmp/zizmor shows it whole`,
    );
  }
  rmSync(directory, { recursive: true, force: true });
  renameSync(work, directory);
  progress.succeed('fetched zizmor');
  return binary;
}
