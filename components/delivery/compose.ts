/** Target `compose`: one file a key, which Docker Compose mounts at `/run/secrets/<key>`. */
import type * as pulumi from '@pulumi/pulumi';
import { File, temporaryOf } from '../../plugins/hummingbot/resources.ts';
import { fileEnvironmentName, runPath } from '../catalog.ts';
import type { Key } from '../values.ts';
import { type DeliveryArgs, FileDelivery, type FileTarget, type Reference } from './delivery.ts';

const mode = '0400';

/** The guide's tree: `secrets/{trading,database,gateway,monitoring}/<key>`, 0400 in 0700. */
export class ComposeSecrets extends FileDelivery {
  readonly composeFile = 'compose.yaml';
  readonly next = 'docker compose up -d';

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('ComposeSecrets', name, args, opts);
    for (const group of args.groups) {
      for (const secret of group.secrets) {
        // Compose ignores uid, gid and mode of file secrets: the file itself must have them.
        new File(
          `${name}-${secret.key}`,
          {
            root: args.root,
            path: `${args.stack}/${sourceOf(secret)}`,
            content: secret.value,
            mode,
          },
          { parent: this },
        );
      }
    }
    this.registerOutputs({});
  }

  protected override reference(secret: Key): Reference {
    const target = runPath(secret.key);
    return {
      key: secret.key,
      environment: { [fileEnvironmentName(secret.key)]: target },
      file: { source: `./${sourceOf(secret)}`, target },
    };
  }
}

function sourceOf(secret: Key): string {
  return `secrets/${secret.entry.directory}/${secret.key}`;
}

export const compose: FileTarget = {
  kind: 'files',
  needs: [],
  valuePaths: (entries) =>
    [...entries].flatMap(([key, entry]) => {
      const path = sourceOf({ key, entry });
      return [path, temporaryOf(path)];
    }),
  trace: (secret) => ({
    path: sourceOf(secret),
    mode,
    holds: (content, value) => (value === undefined ? content !== '' : content === value),
    part: (value) => value,
  }),
  claims: ['secrets/', 'compose.yaml'],
  refuses: (value) => (value.includes('\0') ? 'a NUL byte' : undefined),
  deliver: (name, args, opts) => new ComposeSecrets(name, args, opts),
};
