/** The same for a bot that Docker Compose runs: `docker compose up -d`, as the stack's output says. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectDirectory } from '../operations/engine/workspace.ts';
import { programOf } from './debian-packages.ts';
import type { Systems } from './systems.ts';
import { type Check, type VerifyArgs, verifyBot } from './verify.ts';

/** For the login and, where one is set, the start of a strategy. */
const readySeconds = 120;

export async function verifyCompose(
  systems: Systems,
  project: string,
  args: VerifyArgs,
): Promise<readonly Check[]> {
  const folder = join(
    projectDirectory,
    systems.replacements.outputDirectory ?? 'out',
    systems.stack,
  );
  const env = { ...process.env, ...systems.environment };
  const ask = (
    program: string,
    ...words: readonly string[]
  ): { code: number; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', env });
    return { code: status ?? 1, stdout, stderr };
  };
  const wait = ['--wait', '--wait-timeout', `${readySeconds}`];
  const compose = systems.compose ?? 'docker-compose';
  const up = ask(compose, '--project-directory', folder, 'up', '-d', ...wait);
  const docker = programOf('docker', 'docker.io');
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const healthy = ask(docker, 'ps', '-q', ...filter, '--filter', 'health=healthy').stdout.trim();
  const names = ask(docker, 'ps', ...filter, '--format', '{{.Names}}').stdout.trim();
  const running = names.split('\n').filter((name) => name !== '');
  const checks: Check[] = [
    {
      name: `one container, running and healthy: ${running.join(', ')}`,
      passed: up.code === 0 && running.length === 1 && healthy !== '',
      seen: up.code === 0 ? `${running.length}` : (up.stderr.trim().split('\n').at(-1) ?? ''),
    },
  ];
  const [name = ''] = running;
  if (name === '') return checks;
  const owner = `400 ${process.getuid?.()} ${process.getgid?.()}`;
  const inside = await verifyBot(
    {
      run: async (...command) => ask(docker, 'exec', name, ...command),
      fileOf: (key) => `/run/secrets/${key}`,
      fileFacts: owner,
    },
    args,
  );
  return [...checks, ...inside];
}
