/**
 * Controls that no policy can see, because they are marks, orders and refusals and not inputs: each is
 * taken out of the source, and a unit test is to notice.
 */

export interface SourceMutant {
  /** The control that is gone. */
  readonly control: string;
  readonly file: string;
  /** Text that is replaced, once. */
  readonly from: string;
  readonly to: string;
  /** The unit test that is to fail. */
  readonly test: string;
}

export const sourceMutants: readonly SourceMutant[] = [
  {
    control: 'the content of a file is secret in the state',
    file: 'plugins/hummingbot/resources.ts',
    from: 'content: pulumi.secret(args.content)',
    to: 'content: pulumi.unsecret(pulumi.output(args.content))',
    test: 'test/program.test.ts',
  },
  {
    control: 'a kubeconfig is secret in the state',
    file: 'plugins/hummingbot/resources.ts',
    from: '{ ...args, kubeconfig: pulumi.secret(args.kubeconfig) },\n      pulumi.mergeOptions',
    to: '{ ...args, kubeconfig: pulumi.unsecret(pulumi.output(args.kubeconfig)) },\n      pulumi.mergeOptions',
    test: 'test/program-cluster.test.ts',
  },
  {
    control: 'what is sealed is secret in the state',
    file: 'plugins/hummingbot/sealing-resources.ts',
    from: 'data: pulumi.secret(args.data)',
    to: 'data: pulumi.unsecret(pulumi.output(args.data))',
    test: 'test/components/delivery/sealed-secret.test.ts',
  },
  {
    control: 'what sops encrypts is secret in the state',
    file: 'plugins/hummingbot/git-resources.ts',
    from: 'manifest: pulumi.secret(args.manifest)',
    to: 'manifest: pulumi.unsecret(pulumi.output(args.manifest))',
    test: 'test/components/delivery/sops.test.ts',
  },
  {
    control: 'a file for git refuses what is secret',
    file: 'plugins/hummingbot/git-file.ts',
    from: "failures.push(failure('content', 'got a secret; allowed: what git may keep for ever'));",
    to: '',
    test: 'test/plugins/hummingbot/git-file.test.ts',
  },
  {
    control: 'a tag is an HMAC with a key of the stack',
    file: 'components/values.ts',
    from: "createHmac('sha256', tagKey)",
    to: "createHmac('sha256', 'x')",
    test: 'test/components/values.test.ts',
  },
  {
    control: 'a version of an AWS secret is never deleted',
    file: 'components/delivery/aws-secrets-manager.ts',
    from: ', retainOnDelete: true }',
    to: ' }',
    test: 'test/components/delivery/aws-secrets-manager.test.ts',
  },
  {
    control: 'an AWS secret is closed before it holds anything',
    file: 'components/delivery/aws-secrets-manager.ts',
    from: 'dependsOn: [policy], retainOnDelete',
    to: 'retainOnDelete',
    test: 'test/components/delivery/aws-secrets-manager.test.ts',
  },
  {
    control: 'a native Secret that a controller owns is not deleted',
    file: 'components/delivery/kubernetes-secret.ts',
    from: ', retainOnDelete: true }',
    to: ' }',
    test: 'test/components/delivery/kubernetes-secret.test.ts',
  },
  {
    control: 'another AWS account is refused',
    file: 'components/guards.ts',
    from: 'if (caller.accountId !== aws.account) {',
    to: 'if (caller.accountId === undefined) {',
    test: 'test/components/guards.test.ts',
  },
  {
    control: 'another cluster is refused',
    file: 'components/guards.ts',
    from: 'if (got.uid !== uid) {',
    to: 'if (got.uid === undefined) {',
    test: 'test/components/guards.test.ts',
  },
  {
    control: 'another Vault is refused',
    file: 'components/guards.ts',
    from: 'if (found.id !== id) {',
    to: 'if (found.id === undefined) {',
    test: 'test/components/guards.test.ts',
  },
  {
    control: 'a path in Vault of another stack is refused',
    file: 'components/guards.ts',
    from: 'if (owner === stack) continue;',
    to: 'continue;',
    test: 'test/components/guards.test.ts',
  },
  {
    control: 'a protected stack takes no placeholders',
    file: 'settings/scalars.ts',
    from: 'if (!protect || !placeholders) return;',
    to: 'return;',
    test: 'test/settings.test.ts',
  },
  {
    control: 'a value in the clear in a stack file is refused by the program',
    file: 'settings/values.ts',
    from: '(stackFile?.plaintextLeaves(group) ?? [])',
    to: '([] as string[])',
    test: 'test/settings.test.ts',
  },
  {
    control: 'a value in the clear in a stack file is refused by the commands',
    file: 'settings/plaintext.ts',
    from: 'file.plaintextLeaves(group).map((key) => {',
    to: '[].map((key) => {',
    test: 'test/operations/engine/stack-types.test.ts',
  },
  {
    control: 'a bot sees only its own keys',
    file: 'components/values.ts',
    from: 'return group.keys.filter(({ entry }) => entry.consumers.includes(consumer));',
    to: 'return group.keys.filter(() => consumer !== undefined);',
    test: 'test/program.test.ts',
  },
  {
    control: 'values are tried before a running bot is touched',
    file: 'components/consumers/hummingbot.ts',
    from: '...(preflight ? [preflight] : []),',
    to: '',
    test: 'test/components/consumers/hummingbot.test.ts',
  },
];
