/**
 * What a preflight says of each wrong input, pod by pod on a real API server, beside a bot that
 * trades on: the Job's spec is the one that `up` ran, with one thing spoiled. Then a whole `up` that
 * fails so, and what `doctor` says of the same cluster.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { V1PodSpec } from '@kubernetes/client-node';
import type { Diagnosis } from '../../operations/doctor/diagnosis.ts';
import { Preflight, type PreflightInputs } from '../../plugins/hummingbot/preflight.ts';
import type { Properties } from '../../plugins/provider-server.ts';
import { differences } from '../../rehearsal/keystore.ts';
import { apply, eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks } from '../canary.ts';
import { canaryValues } from '../canary-values.ts';
import { botFieldKeys } from '../guide-keys.ts';
import { call } from '../plugins/calls.ts';
import { isDone, isPreflight, isReady, restartsOf } from './cluster-watch.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';
import { type Right, type WrongInput, wrongInputs } from './wrong-inputs.ts';

/** So many pods at once, within the quota of the namespace. */
const sideBySide = 3;
/** For what waits for somebody to mend it, such as a Secret that is not there. */
const shortDeadlineSeconds = 20;
/** Seconds of a preflight that is refused, its tries included. */
const deadlineSeconds = 150;
const untouched = '; nothing was changed and the old bot, if any, still runs';
/** Every printable character, in one value. */
const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at)).join('');

type Job = PreflightInputs['job'] & { readonly template: { readonly spec: V1PodSpec } };

/** A thing to spoil, and what the cluster says of it where it is not the program that speaks. */
interface Spoiled extends WrongInput {
  readonly job?: (spec: V1PodSpec) => void;
  readonly deadlineSeconds?: number;
  /** The Secret is made by the operator, of what stands in AWS. @default - it is made as it is */
  readonly throughAws?: true;
}

describe('a preflight in a cluster', () => {
  const stack = new RehearsedStack('prod', { keepsBook: true });
  const canaries = canaryValues();
  const values = new Map(botFieldKeys.map((key) => [key, canaries.get(key) ?? '']));
  let job: Job;
  let labels: Readonly<Record<string, string>>;
  let program: Readonly<Record<string, string>>;
  let cases = 0;

  before(async function () {
    if (!canRehearse) this.skip();
    await stack.start();
    const { stdout } = await stack.pulumi(['stack', 'export']);
    const { deployment } = JSON.parse(stdout) as {
      readonly deployment: {
        readonly resources: readonly { readonly type: string; readonly inputs: PreflightInputs }[];
      };
    };
    const ran = deployment.resources.find(({ type }) => type === 'hummingbot:index:Preflight');
    assert.ok(ran !== undefined);
    job = ran.inputs.job as Job;
    labels = ran.inputs.labels;
    const name = job.template.spec.volumes?.find(({ configMap }) => configMap)?.configMap?.name;
    const { namespace } = stack;
    const made = await stack.access.core.readNamespacedConfigMap({ name: name ?? '', namespace });
    program = made.data ?? {};
  });
  after(async () => await stack.end());

  /** Runs a preflight on a Secret and a ConfigMap of its own. @returns its error, in the program's order of words */
  async function refusal(given: Spoiled): Promise<string | undefined> {
    cases += 1;
    const name = `case-${cases}`;
    const { core } = stack.access;
    const { namespace } = stack;
    const data = { ...Object.fromEntries(values), ...given.files };
    if (given.throughAws) await makeByOperator(name, data);
    else await makeSecret(name, data);
    const files = Object.entries({ ...program, ...given.program });
    await core.createNamespacedConfigMap({
      namespace,
      body: {
        metadata: { name },
        data: Object.fromEntries(files.flatMap(([file, text]) => (text ? [[file, text]] : []))),
      },
    });
    const inputs = {
      kubeconfig: stack.environment.KUBECONFIG ?? '',
      namespace,
      name,
      labels,
      deadlineSeconds: given.deadlineSeconds ?? deadlineSeconds,
      job: jobOn(name, given),
    };
    const recorded = call();
    try {
      await new Preflight().create(inputs as unknown as Properties, recorded);
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      assert.deepEqual(leaks([message, ...recorded.lines].join('\n'), canaries), []);
      assert.equal(message.split('\n').length, 1);
      const begun = `Preflight ${namespace}/${name}: `;
      assert.ok(message.startsWith(begun), message);
      assert.ok(message.includes(`${untouched}; fix: `), message);
      return message.slice(begun.length).replace(untouched, '');
    }
  }

  type Data = NonNullable<Spoiled['files']>;

  async function makeSecret(name: string, data: Data): Promise<void> {
    const encoded = Object.entries(data).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, Buffer.from(value).toString('base64')]],
    );
    const body = { metadata: { name }, data: Object.fromEntries(encoded) };
    await stack.access.core.createNamespacedSecret({ namespace: stack.namespace, body });
  }

  /** As a group that somebody else writes: JSON in AWS, and an ExternalSecret as the program makes it. */
  async function makeByOperator(name: string, data: Data): Promise<void> {
    const { access, namespace } = stack;
    const key = `hummingbot/${name}`;
    const SecretString = JSON.stringify(data);
    await stack.secretsManager().send(new CreateSecretCommand({ Name: key, SecretString }));
    await apply(access, [
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ExternalSecret',
        metadata: { name, namespace },
        spec: {
          refreshPolicy: 'OnChange',
          secretStoreRef: { name: 'aws-secrets-manager', kind: 'SecretStore' },
          target: { name, creationPolicy: 'Owner', deletionPolicy: 'Retain' },
          data: Object.keys(data).map((property) => ({
            secretKey: property,
            remoteRef: { key, property },
          })),
        },
      },
    ]);
    const isMade = async (): Promise<boolean> =>
      (await access.core.readNamespacedSecret({ name, namespace })).data !== undefined;
    assert.ok(await eventually(60, isMade), 'the operator makes no Secret');
  }

  /** The spec that `up` ran, on other objects, with one thing spoiled. */
  function jobOn(name: string, { environment = {}, memory, job: more }: Spoiled): Job {
    const spoiled = structuredClone(job);
    const { spec } = spoiled.template;
    for (const volume of spec.volumes ?? []) {
      if (volume.secret !== undefined) {
        volume.secret.secretName = name;
        const items = volume.secret.items ?? [];
        volume.secret.items = items.filter(({ key }) => values.has(key as never));
      }
      if (volume.configMap !== undefined) volume.configMap.name = name;
    }
    const [container] = spec.containers;
    assert.ok(container !== undefined);
    for (const [variable, value] of Object.entries(environment)) {
      const others = container.env?.filter((each) => each.name !== variable) ?? [];
      container.env = value === undefined ? others : [...others, { name: variable, value }];
    }
    if (memory !== undefined) {
      const { path, readOnly = false, size } = memory;
      const others = container.volumeMounts?.filter(({ mountPath }) => mountPath !== path) ?? [];
      container.volumeMounts = [...others, { name: 'spoiled', mountPath: path, readOnly }];
      const sizeLimit = size === undefined ? {} : { sizeLimit: `${size}Ki` };
      const emptyDir = { medium: 'Memory', ...sizeLimit };
      spec.volumes = [...(spec.volumes ?? []), { name: 'spoiled', emptyDir }];
    }
    more?.(spec);
    return spoiled;
  }

  const right = (): Right => ({
    'bot.json': program['bot.json'] ?? '',
    pem: values.get('coinbase_secret_key') ?? '',
  });

  /** Runs tests that change nothing but the bot's neighbourhood; it has to trade on. */
  async function besideTheBot(work: () => Promise<void>): Promise<void> {
    const before = await stack.pod();
    const trades = stack.trades();
    await work();
    const pod = await stack.pod();
    assert.equal(pod.metadata?.uid, before.metadata?.uid);
    assert.ok(isReady(pod));
    assert.deepEqual(restartsOf(pod), [0, 0]);
    assert.deepEqual(stack.trades(), trades);
  }

  it('passes what is right, which all below is but for one thing', async () => {
    assert.equal(await refusal({}), undefined);
  });

  /** What the kubelet sees before the program could. */
  const ofKubelet: readonly (readonly [string, Spoiled, RegExp])[] = [
    [
      'a missing file',
      { files: { binance_api_key: undefined } },
      /FailedMount: .*references non-existent secret key: binance_api_key/u,
    ],
    [
      'no Secret',
      {
        job: ({ volumes = [] }) => {
          for (const { secret } of volumes) if (secret) secret.secretName = 'none';
        },
      },
      /FailedMount: .*secret "none" not found/u,
    ],
    [
      'a variable of an unknown key',
      {
        job: ({ containers: [container] }) => {
          const secretKeyRef = { name: 'case-1', key: 'no_such_key' };
          container?.env?.push({ name: 'X', valueFrom: { secretKeyRef } });
        },
      },
      /CreateContainerConfigError: couldn't find key no_such_key/u,
    ],
  ];

  it(`names ${wrongInputs.length + 2} wrong inputs, and the bot trades on`, async () => {
    await besideTheBot(async () => {
      const seen: (readonly [string, string | undefined, boolean])[] = [];
      const ofProgram = wrongInputs
        .filter(([name]) => !ofKubelet.some(([other]) => other === name))
        // What the cluster tries again takes longest.
        .toSorted(([, , one], [, , other]) => other - one)
        .map(([name, given, code, line]) => async () => {
          const said = `container materialise: exit code ${code}: `;
          const told = (await refusal(given(right()))) ?? 'passed';
          seen.push([name, told, told.startsWith(said) && line.test(told.slice(said.length))]);
        });
      const others = ofKubelet.map(([name, given, line]) => async () => {
        const told = await refusal({ ...given, deadlineSeconds: shortDeadlineSeconds });
        seen.push([name, told, line.test(told ?? 'passed')]);
      });
      const left = [...others, ...ofProgram];
      const worker = async (): Promise<void> => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) await next();
      };
      await Promise.all(Array.from({ length: sideBySide }, worker));
      assert.equal(seen.length, wrongInputs.length + 2);
      assert.deepEqual(
        seen.filter(([, , holds]) => !holds),
        [],
      );
    });
  });

  it('names the key of a NUL byte that somebody has put into AWS, as a file and as a variable', async () => {
    const binance_api_key = `${values.get('binance_api_key')}\0${values.get('binance_api_key')}`;
    const given = { files: { binance_api_key }, throughAws: true } as const;
    await besideTheBot(async () => {
      assert.equal(await refusal({ throughAws: true }), undefined);
      const asFile = await refusal(given);
      assert.match(
        asFile ?? 'passed',
        /^container materialise: exit code 65: binance_api_key: got a control character in the file of BINANCE_API_KEY_FILE; .*; fix: /u,
      );
      const asVariable = await refusal({
        ...given,
        environment: { BINANCE_API_KEY_FILE: undefined },
        job: ({ containers: [container], volumes = [] }) => {
          const secretKeyRef = {
            name: volumes.find(({ secret }) => secret)?.secret?.secretName ?? '',
            key: 'binance_api_key',
          };
          container?.env?.push({ name: 'BINANCE_API_KEY', valueFrom: { secretKeyRef } });
        },
      });
      assert.match(
        asVariable ?? 'passed',
        /^container materialise: exit code 128, StartError, a NUL byte in the variable BINANCE_API_KEY; fix: /u,
      );
      // Not ours to hide: docs/security.md.
      const { items } = await stack.access.core.listNamespacedEvent({ namespace: stack.namespace });
      const quoting = items.filter(({ message }) => leaks(message ?? '', canaries).length > 0);
      console.log(`      ${quoting.length} of ${items.length} events quote the value`);
    });
  });

  /**
   * Kills a preflight's first pod while it writes.
   * @returns whether the kill came in time, which is to say that another pod had to do the work
   */
  async function killWhileWriting(): Promise<boolean> {
    const { namespace } = stack;
    const watch = await stack.watch();
    const ended = refusal({});
    const running = await watch.next(
      'pods',
      60,
      ({ object }) =>
        isPreflight(object) && object.status?.containerStatuses?.[0]?.state?.running !== undefined,
    );
    assert.ok(running !== undefined);
    const { name } = running;
    const writing = 'until [ -e conf/connectors/.new ]; do sleep 0.02; done';
    await stack.kubectl('exec', name, '--', 'timeout', '60', 'sh', '-c', writing);
    // Too late, and the pod may be gone.
    await stack.access.core
      .deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 })
      .catch(() => undefined);
    assert.equal(await ended, undefined);
    const another = await watch.next(
      'pods',
      10,
      ({ object, ...pod }) => isPreflight(object) && isDone(object) && pod.name !== name,
    );
    watch.stop();
    return another !== undefined;
  }

  it('comes to its end though its pod is killed in the middle of the writing', async () => {
    await besideTheBot(async () => {
      let inTime = false;
      // A kill that comes when the work is done proves nothing: once more.
      for (let tries = 0; !inTime && tries < 5; tries += 1) inTime = await killWhileWriting();
      assert.ok(inTime, 'every kill came when the work was done');
    });
  });

  it('lets two be at it at once: each has folders of its own', async () => {
    assert.deepEqual(await Promise.all([refusal({}), refusal({})]), [undefined, undefined]);
  });

  it('fails an up whose catalog and image disagree, and the bot trades on', async () => {
    const catalog = stack.checkout.path('components/catalog.ts');
    const text = readFileSync(catalog, 'utf8');
    await besideTheBot(async () => {
      writeFileSync(catalog, text.replace("connector: 'kraken'", "connector: 'krakem'"));
      const { code, stdout, stderr } = await stack.up();
      const printed = `${stdout}\n${stderr}`;
      assert.equal(code, 1, printed);
      const lines = printed
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line.startsWith('error: Preflight '));
      assert.equal(lines.length, 1, printed);
      assert.match(
        lines[0] ?? '',
        /^error: Preflight hummingbot\/hummingbot-preflight: container materialise: exit code 65: krakem: got no such connector in Hummingbot dev-2\.18\.0; .*nothing was changed and the old bot, if any, still runs; fix: another image, or leave kraken out of exchanges$/u,
      );
      assert.doesNotMatch(printed, /^\s+at \S+ \(|node:internal/mu);
    });
    writeFileSync(catalog, text);
    // The program's ConfigMap gets a name of its own once more, and the bot a restart.
    const { code, stderr } = await stack.up();
    assert.equal(code, 0, stderr);
  });

  it('passes every printable character in one value, a PEM, and more, which the bot then reads', async () => {
    await stack.set('kucoin_passphrase', `a${printable}z`);
    await stack.set('kraken_api_key', 'żółw 🐢 \u{10ffff}');
    const { code, stdout, stderr } = await stack.up();
    assert.equal(code, 0, stdout + stderr);
    const set = await stack.values();
    assert.ok(set.get('kucoin_passphrase') === `a${printable}z`);
    assert.match(set.get('coinbase_secret_key') ?? '', /\n.*\n/u);
    const keystore = await stack.keystore();
    assert.equal(keystore.size, botFieldKeys.length);
    assert.deepEqual(differences(keystore, set), []);
    assert.ok(isReady(await stack.pod()));
  });

  it('is not what a doctor of the same cluster complains of', async () => {
    const { code, stdout, stderr } = await doctor();
    assert.equal(code, 0, stdout + stderr);
    const { healthy, keys } = JSON.parse(stdout) as Diagnosis;
    assert.ok(healthy);
    const ofBot = keys.filter(({ key }) => botFieldKeys.some((each) => key.endsWith(each)));
    assert.equal(ofBot.length, botFieldKeys.length);
    for (const { key, delivered, materialised, read } of ofBot) {
      assert.deepEqual(new Set(Object.values(delivered)), new Set(['yes']), key);
      assert.deepEqual([materialised, read], [true, true], key);
    }
  });

  it('nor does the doctor overlook that the bot is gone', async () => {
    assert.equal((await stack.kubectl('scale', 'deployment/hummingbot', '--replicas=0')).code, 0);
    const { code, stdout } = await doctor();
    assert.equal(code, 1);
    const { healthy, problems } = JSON.parse(stdout) as Diagnosis;
    assert.equal(healthy, false);
    assert.ok(problems.length > 0);
    console.log(
      problems.map(({ what, got, fix }) => `      ${what}: got ${got}; fix: ${fix}`).join('\n'),
    );
  });

  const doctor = async () =>
    await stack.run('npm', ['run', '-s', 'doctor', '--', '--stack', 'prod', '--json']);

  it('leaves no value in what was printed or logged', async () => {
    const all = new Map([...canaries, ...(await stack.values())]);
    assert.deepEqual(leaks(stack.checkout.printed.join('\n'), all), []);
    for (const [name, text] of stack.logs()) {
      assert.deepEqual(leaks(text.toString('latin1'), all), [], name);
    }
  });
});
