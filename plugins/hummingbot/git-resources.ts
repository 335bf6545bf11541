/** What the local plugin writes for git, as the program sees it. */
import * as pulumi from '@pulumi/pulumi';

export interface GitFileArgs {
  /**
   * Directory that git holds: relative to the project, or absolute. Missing ones are made. A change
   * moves the file.
   */
  readonly root: string;
  /** Path below the root, with forward slashes. A change moves the file. */
  readonly path: string;
  /** Content in UTF-8, without a value: git keeps it for ever. A change rewrites the file. */
  readonly content: pulumi.Input<string>;
}

/** One file for git. See plugins/hummingbot/git-file.ts for what is promised. */
export class GitFile extends pulumi.CustomResource {
  constructor(name: string, args: GitFileArgs, opts?: pulumi.CustomResourceOptions) {
    super('hummingbot:index:GitFile', name, { ...args }, opts);
  }
}

export interface SopsDocumentArgs extends Omit<GitFileArgs, 'content'> {
  /** A Kubernetes Secret as JSON; always kept as a secret. A change encrypts it anew. */
  readonly manifest: pulumi.Input<string>;
  /**
   * Who can decrypt: age public keys and ARNs of KMS keys, in any order. A change wraps the data
   * key anew when a key at hand opens it, and encrypts anew otherwise.
   */
  readonly recipients: readonly string[];
}

/** One encrypted Secret for git. See plugins/hummingbot/sops-document.ts for what is promised. */
export class SopsDocument extends pulumi.CustomResource {
  constructor(name: string, args: SopsDocumentArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:SopsDocument',
      name,
      {
        ...args,
        recipients: [...args.recipients],
        manifest: pulumi.secret(args.manifest),
        document: undefined,
        asWritten: undefined,
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['manifest'] }),
    );
  }
}

/**
 * The version of sops that the plugin finds.
 * @throws when there is none, or one that is too old
 */
export async function getSops(opts: pulumi.InvokeOptions = {}): Promise<string> {
  const { version } = await pulumi.runtime.invoke('hummingbot:index:getSops', {}, opts);
  return String(version);
}
