/**
 * What a rehearsal proves of the bot that came up: it runs, sees the values that were set and no
 * other, and nobody else does. Values are compared in this process and never printed.
 */
import { PassThrough } from 'node:stream';
import {
  entryOf,
  environmentName,
  groupNames,
  groups,
  type SecretKey,
} from '../components/catalog.ts';
import { differences, fieldOf, keystoreOf, type Run } from './keystore.ts';
import type { Access } from './servers/kubernetes-client.ts';
import { botKeys, groupOption } from './values-in-use.ts';

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** What was seen instead; never a value. */
  readonly seen?: string;
}

/** What the checks ask a running bot; one for Kubernetes, one for Docker. */
export interface Bot {
  readonly run: Run;
  /** Where a key of a group given as files lies. */
  fileOf(key: SecretKey): string;
  /** Mode and owner of such a file, as `stat -c '%a %u %g'` prints them. */
  readonly fileFacts: string;
}

export interface VerifyArgs {
  /** Text of the rehearsal's stack file. */
  readonly stackFile: string;
  /** Values that were set, by key. */
  readonly values: ReadonlyMap<SecretKey, string>;
  /** Whether an operator brings them from a store. */
  readonly synced: boolean;
}

/** Checks inside the bot. */
export async function verifyBot(bot: Bot, args: VerifyArgs): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const environment = (await bot.run('cat', '/proc/1/environ')).stdout.split('\0');
  let delivered = 0;
  const wrong: string[] = [];
  const modes = new Set<string>();
  for (const group of groupNames) {
    const asValues = groupOption(args.stackFile, group, 'env') === 'values';
    for (const key of botKeys(args.stackFile, group).filter((each) => args.values.has(each))) {
      const value = args.values.get(key);
      const file = bot.fileOf(key);
      if (asValues) {
        if (!environment.includes(`${environmentName(key)}=${value}`)) wrong.push(key);
      } else {
        if ((await bot.run('cat', file)).stdout !== value) wrong.push(key);
        modes.add((await bot.run('stat', '-L', '-c', '%a %u %g', file)).stdout.trim());
      }
      delivered += 1;
    }
  }
  checks.push({
    name: `${delivered} values in the bot are those that were set`,
    passed: delivered > 0 && wrong.length === 0,
    seen: wrong.length > 0 ? `other ones of ${wrong.join(', ')}` : 'no key of the bot',
  });
  if (modes.size > 0) {
    checks.push({
      name: `files of mode, owner and group ${bot.fileFacts}`,
      passed: modes.size === 1 && modes.has(bot.fileFacts),
      seen: [...modes].join('; '),
    });
  }
  checks.push(environmentCheck(environment, args), await keystoreCheck(bot, args));
  return checks;
}

/** By the bot's own login and decryption: what it would sign an order with. */
async function keystoreCheck({ run }: Bot, { stackFile, values }: VerifyArgs): Promise<Check> {
  const keys = groupNames
    .flatMap((group) => botKeys(stackFile, group))
    .filter((key) => values.has(key) && fieldOf(key) !== undefined);
  const set = new Map(keys.map((key) => [key, values.get(key) ?? '']));
  const exchanges = new Set(keys.map((key) => entryOf(key).usedWith));
  const keystore = await keystoreOf(run);
  const wrong = keystore && differences(keystore, set);
  return {
    name: `the bot reads ${keys.length} keys of ${exchanges.size} exchanges, equal to those set`,
    passed: keys.length > 0 && wrong?.length === 0,
    seen: wrong === undefined ? 'no login' : `others for ${wrong.join(', ') || 'no key'}`,
  };
}

/** No value of a group that travels as files, and no value that the bot has no use for. */
function environmentCheck(
  environment: readonly string[],
  { stackFile, values }: VerifyArgs,
): Check {
  const allowed = new Set(
    groupNames
      .filter((group) => groupOption(stackFile, group, 'env') === 'values')
      .flatMap((group) => botKeys(stackFile, group)),
  );
  const found = [...values].filter(
    ([key, value]) => !allowed.has(key) && environment.some((each) => each.includes(value)),
  );
  return {
    name: 'no value in /proc/1/environ that does not belong there',
    passed: environment.length > 1 && found.length === 0,
    seen: found.length > 0 ? `values of ${found.map(([key]) => key).join(', ')}` : 'no environment',
  };
}

/** Checks of a bot in Kubernetes. */
export async function verifyInCluster(
  access: Access,
  namespace: string,
  args: VerifyArgs,
): Promise<readonly Check[]> {
  const labelSelector = 'app.kubernetes.io/name=hummingbot';
  const { items } = await access.core.listNamespacedPod({ namespace, labelSelector });
  const [pod] = items;
  const ready = pod?.status?.conditions?.some(
    (each) => each.type === 'Ready' && each.status === 'True',
  );
  const name = pod?.metadata?.name ?? '';
  const checks: Check[] = [
    {
      name: `one pod, Running and Ready: ${name}`,
      passed: items.length === 1 && pod?.status?.phase === 'Running' && ready === true,
      seen: `${items.length} pods, ${pod?.status?.phase ?? 'no phase'}`,
    },
    await (args.synced ? verifySynced : verifyDelivered)(access, namespace),
  ];
  if (checks[0]?.passed !== true) return checks;
  const bot: Bot = {
    run: async (...command) => await execute(access, { namespace, name }, command),
    fileOf: (key) => `${groups.trading.mountPath}/${key}`,
    // The kubelet makes 0400 with fsGroup 0440, and the volume root's.
    fileFacts: '440 0 1000',
  };
  checks.push(...(await verifyBot(bot, args)));
  const expected = [...botKeys(args.stackFile, 'trading')].filter((key) => args.values.has(key));
  if (groupOption(args.stackFile, 'trading', 'env') !== 'values') {
    const listed = (await bot.run('ls', groups.trading.mountPath)).stdout.trim().split(/\s+/u);
    checks.push({
      name: `${expected.length} keys in ${groups.trading.mountPath} and no other`,
      passed: listed.toSorted().join() === expected.toSorted().join(),
      seen: listed.join(', '),
    });
  }
  const user = (await bot.run('id', '-u')).stdout.trim();
  checks.push({ name: 'not root', passed: /^[1-9]\d*$/u.test(user), seen: `user ${user}` });
  const token = await bot.run('ls', '/var/run/secrets/kubernetes.io/serviceaccount');
  checks.push({ name: 'no service account token', passed: token.code !== 0, seen: 'one' });
  const write = await bot.run('touch', '/rehearsal-was-here');
  checks.push({
    name: 'root file system is read-only',
    passed: write.code !== 0,
    seen: 'writable',
  });
  return checks;
}

interface ExternalSecret {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

async function verifySynced(access: Access, namespace: string): Promise<Check> {
  const custom = access.config.makeApiClient(access.library.CustomObjectsApi);
  const { items } = (await custom.listNamespacedCustomObject({
    group: 'external-secrets.io',
    version: 'v1',
    namespace,
    plural: 'externalsecrets',
  })) as { items: readonly ExternalSecret[] };
  const late = items.filter(
    ({ status }) =>
      !status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'),
  );
  return {
    name: `${items.length} ExternalSecrets, all Ready`,
    passed: items.length > 0 && late.length === 0,
    seen: late.map(({ metadata }) => metadata.name).join(', ') || 'none',
  };
}

/** Secrets that Pulumi wrote itself: none that is left of what was, and no other's. */
async function verifyDelivered(access: Access, namespace: string): Promise<Check> {
  const { items } = await access.core.listNamespacedSecret({ namespace });
  const names = items.map(({ metadata }) => metadata?.name ?? '');
  const groupsOf = groupNames.map((group) => {
    const named = new RegExp(`^${groups[group].secretName}(?:-[0-9a-f]{8})?$`, 'u');
    return names.filter((name) => named.test(name)).length;
  });
  return {
    name: `${names.length} Secrets, at most one a group`,
    passed:
      groupsOf.some((count) => count === 1) &&
      groupsOf.every((count) => count <= 1) &&
      groupsOf.reduce((sum, count) => sum + count, 0) === names.length,
    seen: names.join(', ') || 'none',
  };
}

/** Runs a command in the bot's container, by the API. */
export async function execute(
  access: Access,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  command: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string }> {
  const out: Buffer[] = [];
  const stdout = new PassThrough().on('data', (chunk: Buffer) => out.push(chunk));
  const stderr = new PassThrough().resume();
  const exec = new access.library.Exec(access.config);
  const code = await new Promise<number>((settle, fail) => {
    exec
      .exec(namespace, name, 'hummingbot', [...command], stdout, stderr, null, false, (status) => {
        const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
        settle(status.status === 'Success' ? 0 : Number(cause?.message ?? 1));
      })
      .then((socket) => socket.on('error', fail), fail);
  });
  return { code, stdout: Buffer.concat(out).toString() };
}
