/** What the local plugin does for SealedSecrets, as the program sees it. */
import * as pulumi from '@pulumi/pulumi';

export interface SealedDataArgs {
  /** Of the Secret. Strict scope: a change seals anew, and nothing else opens in its place. */
  readonly namespace: string;
  /** Of the Secret. A change seals anew. */
  readonly name: pulumi.Input<string>;
  /** Values in base64, by key; always kept as a secret. A change seals anew. */
  readonly data: pulumi.Input<Readonly<Record<string, string>>>;
  /** PEM of the controller's certificate. A change seals anew, and says so. */
  readonly certificate: string;
}

/** Sealed values. See plugins/hummingbot/sealed-data.ts for what is promised. */
export class SealedData extends pulumi.CustomResource {
  /** Ciphertexts by key. Public. */
  declare readonly encryptedData: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: SealedDataArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:SealedData',
      name,
      { ...args, data: pulumi.secret(args.data), encryptedData: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['data'] }),
    );
  }
}

export interface UnsealedArgs {
  /** Contents of a kubeconfig; always kept as a secret. A change of it alone is no change. */
  readonly kubeconfig: pulumi.Input<string>;
  /** Of the SealedSecret. A change replaces the gate, which waits anew. */
  readonly namespace: string;
  /** Name of the SealedSecret and of its Secret. A change replaces the gate. */
  readonly name: pulumi.Input<string>;
  /** Annotation of the Secret that carries the tag. A change waits anew. */
  readonly annotation: string;
  /** The tag of the values that were sealed. A change waits anew. */
  readonly tag: pulumi.Input<string>;
  /** Of the ciphertexts: another certificate has the same tag. A change waits anew. */
  readonly version: pulumi.Input<string>;
  /**
   * Seconds until a SealedSecret that is not opened fails the update. What cannot heal fails at once.
   * @default 120
   */
  readonly deadlineSeconds?: number;
}

/**
 * Waits until the controller has opened a SealedSecret. See plugins/hummingbot/unsealed.ts for what is
 * promised.
 */
export class Unsealed extends pulumi.CustomResource {
  constructor(name: string, args: UnsealedArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      'hummingbot:index:Unsealed',
      name,
      {
        deadlineSeconds: 120,
        unsealed: undefined,
        ...args,
        kubeconfig: pulumi.secret(args.kubeconfig),
      },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ['kubeconfig'] }),
    );
  }
}

/** What a certificate says of itself. */
export interface FoundCertificate {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256, as openssl prints it: `0A:1B:...`. */
  readonly fingerprint: string;
  /** ISO times. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Of its key: `rsa` is what a controller has. */
  readonly algorithm: string;
}

export interface GetCertificateArgs {
  /** A file, a URL, `controller` or `controller:NAMESPACE/NAME`. */
  readonly source: string;
  /** Of the controller's cluster. */
  readonly kubeconfig?: pulumi.Input<string>;
}

/** @throws when there is no certificate to be had */
export async function getCertificate(args: GetCertificateArgs): Promise<FoundCertificate> {
  const { source, kubeconfig } = args;
  const inputs = { source, ...(kubeconfig && { kubeconfig: pulumi.secret(kubeconfig) }) };
  return await pulumi.runtime.invoke('hummingbot:index:getCertificate', inputs);
}

/**
 * The version of kubeseal that the plugin finds.
 * @throws when there is none, or one that is too old
 */
export async function getKubeseal(): Promise<string> {
  const { version } = await pulumi.runtime.invoke('hummingbot:index:getKubeseal', {});
  return String(version);
}
