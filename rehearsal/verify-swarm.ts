/** The same for the bot of a swarm's service, which `up` itself has started. */
import { spawnSync } from 'node:child_process';
import { programOf } from './debian-packages.ts';
import type { Systems } from './systems.ts';
import { botKeys } from './values-in-use.ts';
import { type Check, type VerifyArgs, verifyBot } from './verify.ts';

const place = '/run/secrets';

export async function verifySwarm(
  systems: Systems,
  service: string,
  args: VerifyArgs,
): Promise<readonly Check[]> {
  const env = { ...process.env, ...systems.environment };
  const docker = programOf('docker', 'docker.io');
  const ask = (...words: readonly string[]): { code: number; stdout: string } => {
    const { status, stdout } = spawnSync(docker, words, { encoding: 'utf8', env });
    return { code: status ?? 1, stdout };
  };
  const filter = ['--filter', `label=com.docker.swarm.service.name=${service}`];
  const running = ask('ps', '-q', ...filter)
    .stdout.split('\n')
    .filter(Boolean);
  const healthy = ask('ps', '-q', ...filter, '--filter', 'health=healthy').stdout.trim();
  const checks: Check[] = [
    {
      name: `one task of ${service}, running and healthy`,
      passed: running.length === 1 && running[0] === healthy,
      seen: `${running.length} running, ${healthy === '' ? 'none' : 'one'} healthy`,
    },
  ];
  const [container = ''] = running;
  if (container === '') return checks;
  const run = async (...command: readonly string[]) => ask('exec', container, ...command);
  const expected = (['trading', 'infrastructure', 'monitoring'] as const)
    .flatMap((group) => [...botKeys(args.stackFile, group)])
    .filter((key) => args.values.has(key));
  const listed = (await run('ls', place)).stdout.trim().split(/\s+/u);
  checks.push({
    name: `${expected.length} keys in ${place} and no other`,
    passed: listed.toSorted().join() === expected.toSorted().join(),
    seen: listed.join(', '),
  });
  const inside = await verifyBot(
    { run, fileOf: (key) => `${place}/${key}`, fileFacts: '400 0 0' },
    args,
  );
  return [...checks, ...inside];
}
