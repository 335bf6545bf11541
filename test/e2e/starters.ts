/**
 * Pods that start all the while, each with the volume of the bot's keys as the Deployment has it at
 * that moment: each has to start, and to find both halves of one pair. They say serials, no value.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { pauseImage } from '../../rehearsal/images/pause.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';

/** Seconds in which one has to be done. */
const patience = 60;
const pauseMilliseconds = 1500;

export class Starters {
  /** A line for each that did not start or found a mixture. */
  readonly faults: string[] = [];
  /** Serials of the pairs that they found, in order. */
  readonly found: number[] = [];
  #done = false;
  readonly #stack: RehearsedStack;
  readonly #files: readonly [string, string];
  readonly #running: Promise<void>;

  /** @param files of the two halves */
  constructor(stack: RehearsedStack, files: readonly [string, string]) {
    this.#stack = stack;
    this.#files = files;
    this.#running = this.#startAll();
  }

  async stop(): Promise<void> {
    this.#done = true;
    await this.#running;
  }

  async #startAll(): Promise<void> {
    for (let serial = 1; !this.#done; serial += 1) {
      try {
        await this.#one(`starter-${serial}`);
      } catch (error) {
        this.faults.push(`starter-${serial}: ${error instanceof Error ? error.message : 'failed'}`);
      }
      await sleep(pauseMilliseconds);
    }
  }

  async #one(name: string): Promise<void> {
    const { access, namespace } = this.#stack;
    await access.core.createNamespacedPod({ namespace, body: await this.#podOf(name) });
    try {
      let last: V1Pod | undefined;
      for (const deadline = Date.now() + patience * 1000; Date.now() < deadline; await sleep(250)) {
        last = await access.core.readNamespacedPod({ namespace, name });
        const phase = last.status?.phase;
        if (phase === 'Succeeded' || phase === 'Failed') break;
      }
      const state = last?.status?.containerStatuses?.[0]?.state;
      const said = state?.terminated?.message ?? '';
      const [, api, secret] = /^pair (\d+) (\d+)$/u.exec(said) ?? [];
      if (api === undefined) {
        const why = state?.waiting?.reason ?? state?.terminated?.reason ?? last?.status?.phase;
        this.faults.push(`${name} has not read its files in ${patience} s: ${why}`);
      } else if (api !== secret) {
        this.faults.push(`${name} found pair ${api} with pair ${secret}`);
      } else this.found.push(Number(api));
    } finally {
      await access.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
    }
  }

  async #podOf(name: string): Promise<V1Pod> {
    const { access, namespace } = this.#stack;
    const apps = access.config.makeApiClient(access.library.AppsV1Api);
    const bot = await apps.readNamespacedDeployment({ name: 'hummingbot', namespace });
    const { spec } = bot.spec?.template ?? {};
    const volume = spec?.volumes?.find(({ secret }) => secret !== undefined);
    if (spec === undefined || volume === undefined) throw new Error('the bot has no secret volume');
    const [api, secret] = this.#files;
    const serial = (file: string): string => `$(/bin/busybox cut -d- -f2 /keys/${file})`;
    const program = `/bin/busybox printf 'pair %s %s' "${serial(api)}" "${serial(secret)}" > /dev/termination-log`;
    const limits = { cpu: '200m', memory: '32Mi' };
    return {
      metadata: { name, namespace },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...(spec.securityContext && { securityContext: spec.securityContext }),
        volumes: [volume],
        containers: [
          {
            name: 'starter',
            image: pauseImage.name,
            imagePullPolicy: 'Never',
            command: ['/bin/busybox', 'sh', '-c', program],
            volumeMounts: [{ name: volume.name, mountPath: '/keys', readOnly: true }],
            resources: { requests: limits, limits },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    };
  }
}
