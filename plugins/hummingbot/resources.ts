/** The local plugin's resources as the program sees them. */
import * as pulumi from '@pulumi/pulumi';

export { temporaryOf } from './temporary.ts';

export interface FileArgs {
  /**
   * Directory that the file may not leave: relative to the project, or absolute. Missing ones are
   * made, 0700; those below it are kept so. A change replaces the file.
   */
  readonly root: string;
  /** Path below the root, with forward slashes. A change replaces the file. */
  readonly path: string;
  /** Content in UTF-8; always kept as a secret, whatever it is. A change rewrites the file. */
  readonly content: pulumi.Input<string>;
  /**
   * Mode in octal, four digits, exact whatever the umask. A change rewrites the file.
   * @default '0400'
   */
  readonly mode?: string;
}

/** One file, written atomically. See plugins/hummingbot/file.ts for what is promised. */
export class File extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: FileArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:File',
      name,
      { mode: '0400', ...args, content: pulumi.secret(args.content) },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['content'] }),
    );
  }
}
