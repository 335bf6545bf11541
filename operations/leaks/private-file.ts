/** Files that belong into no commit, whatever is in them. */
const privatePaths: readonly RegExp[] = [
  /^\.local\//u,
  /^out\//u,
  /(?:^|\/)\.env(?:\.|$)/u,
  /(?:^|\/)(?:kubeconfig(?:\.ya?ml|\.json)?|\.kube\/config)$/u,
  /(?:^|\/)secrets\/(?:trading|database|gateway|monitoring)\//u,
  /\.(?:p12|pfx|jks|kdbx|kubeconfig)$/u,
  /(?:^|\/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|keys\.txt|\.password_verification)$/u,
  /(?:^|\/)[^/]*(?:private|secret)[^/]*\.(?:pem|key)$/iu,
];
const examples = /\.(?:example|sample|template|dist)$/u;

/** Whether a file may not be in git by its path alone: state, delivered values, env files, kubeconfigs. */
export function isPrivatePath(path: string): boolean {
  return privatePaths.some((each) => each.test(path)) && !examples.test(path);
}
