/**
 * Random values in a container of the bot's service on a real Docker Engine: written as the file
 * targets do, mounted or interpolated by the Compose file that the product renders, and hashed inside.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { environmentName, fileEnvironmentName, runPath } from '../../components/catalog.ts';
import { render } from '../../components/consumers/service.ts';
import type { Reference } from '../../components/delivery/delivery.ts';
import type { DockerEngine } from '../../rehearsal/docker-engine.ts';
import { type FileTargetName, type Reader, writtenAt } from '../values-fuzz.ts';

const project = 'values';
const container = `${project}-hummingbot-1`;

/** As the components of the targets refer to a key. */
const references: Readonly<Record<FileTargetName, (key: string) => Reference>> = {
  compose: (key) => ({
    key,
    environment: { [fileEnvironmentName(key)]: runPath(key) },
    file: { source: `./${writtenAt.secret(key)}`, target: runPath(key) },
  }),
  'env-file': (key) => ({
    key,
    environment: { [environmentName(key)]: `\${${environmentName(key)}:?}` },
  }),
};

/** What is run inside; each line begins with a digest, in the order of the names. */
const scripts: Readonly<Record<FileTargetName, string>> = {
  compose: 'for name; do sha256sum <"/run/secrets/$name"; done',
  'env-file': 'for name; do eval "printf %s \\"\\$$name\\"" | sha256sum; done',
};

/** @param compose path of Docker Compose v2, and an image of the engine that has `sh` and `sha256sum` */
export function containerReader(
  target: FileTargetName,
  engine: DockerEngine,
  { compose, image }: { readonly compose: string; readonly image: string },
): Reader {
  return (directory, names) => {
    const root = join(directory, writtenAt.root);
    const uid = `${process.getuid?.()}:${process.getgid?.()}`;
    const rendered = render(
      { image, project, strategy: undefined, user: uid },
      names.map(references[target]),
      {},
      'none',
    );
    writeFileSync(join(root, 'compose.yaml'), rendered);
    // Not the bot, which has no such keys; all else is as it is for the bot.
    const hummingbot = {
      entrypoint: ['sleep', '3600'],
      healthcheck: { disable: true },
      network_mode: 'none',
      stop_grace_period: '0s',
    };
    const override = stringify({ services: { hummingbot } });
    writeFileSync(join(root, 'compose.override.yaml'), override);
    for (const folder of ['conf/connectors', 'data', 'logs', 'bot']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    const files = ['-f', 'compose.yaml', '-f', 'compose.override.yaml'];
    const given = target === 'env-file' ? ['--env-file', writtenAt.envFile] : [];
    const run = (...words: readonly string[]): number | null =>
      spawnSync(compose, [...given, ...files, ...words], {
        cwd: root,
        env: { ...process.env, ...engine.environment },
        stdio: 'ignore',
      }).status;
    try {
      if (run('up', '--detach') !== 0) return [];
      const inside = ['exec', container, 'sh', '-c', scripts[target], 'sh', ...names];
      const { stdout } = engine.docker(...inside);
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]);
    } finally {
      run('down', '--timeout', '0');
    }
  };
}
