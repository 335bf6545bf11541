/**
 * `npm run tools`: finds or builds everything that rehearsals and end-to-end tests need, ahead of
 * time. Nobody has to: each command makes what it needs. What is cached already costs nothing.
 */
import { botArchive, botPackage, olderRelease } from '../rehearsal/images/hummingbot.ts';
import { unpackBot } from '../rehearsal/images/unpacked.ts';
import { installMoto } from '../rehearsal/servers/aws.ts';
import {
  actionlint,
  dockerCompose,
  externalSecrets,
  kubernetes,
  sealedSecrets,
  sops,
  vault,
} from '../rehearsal/tools/tools.ts';
import { installZizmor } from '../rehearsal/tools/zizmor.ts';
import { findCli } from './engine/cli.ts';
import { CommandError, runCommand } from './engine/command-error.ts';
import { goTool } from './engine/go.ts';
import { duration } from './engine/progress.ts';
import { prepareWorkspace } from './engine/workspace.ts';

/** In the order of need; one at a time, because each build takes all cores. */
const tools: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['pulumi', async () => await findCli(false)],
  ['docker-compose', async () => await goTool(dockerCompose)],
  ['moto', async () => await installMoto()],
  ['kubernetes', async () => await goTool(kubernetes)],
  ['external-secrets', async () => await goTool(externalSecrets)],
  ['sops', async () => await goTool(sops)],
  ['vault', async () => await goTool(vault)],
  ['sealed-secrets', async () => await goTool(sealedSecrets)],
  ['actionlint', async () => await goTool(actionlint)],
  ['zizmor', async () => installZizmor()],
  ["the bot's image", async () => await botArchive()],
  ["the bot's image, unpacked", async () => await unpackBot()],
  ['an older Hummingbot', async () => await botPackage(olderRelease)],
];

async function main(): Promise<number> {
  if (process.argv.length > 2) {
    throw new CommandError('tools: got words behind it; allowed: none; fix: npm run tools');
  }
  prepareWorkspace();
  for (const [name, make] of tools) {
    const begun = performance.now();
    await make();
    console.log(`${name}: ready, ${duration(performance.now() - begun)}`);
  }
  return 0;
}

if (import.meta.main) await runCommand(main);
