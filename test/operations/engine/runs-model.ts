/**
 * A cluster, a state and an engine in memory, as far as a run's order matters: what is written down
 * before a request, what after its answer, and what is forgotten when the plugin dies. The looking for
 * what was left is the product's own.
 */
import type { Deployment, Stored } from '../../../operations/engine/adoption.ts';
import type { Answer, Engine } from '../../../operations/engine/engine.ts';
import { FailedCreates, rememberCreates } from '../../../operations/engine/failed-creates.ts';
import { settlePending } from '../../../operations/engine/pending.ts';

export const crashes = [
  'nothing',
  'the engine before the request',
  'the engine before the answer',
  'the plugin before the answer',
  'the engine before the deletion',
  'the engine after the deletion',
  'the plugin before the answer to the deletion',
  'the cluster is not to be reached',
] as const;
export type Crash = (typeof crashes)[number];

const urn = 'urn:pulumi:model::hummingbot-secrets::kubernetes:core/v1:Secret::keys';
const type = 'kubernetes:core/v1:Secret';
const namespace = 'hummingbot';
const labels = { 'app.kubernetes.io/instance': 'model' };

type Resource = Stored & { readonly delete?: boolean };
interface Operation {
  readonly type: string;
  readonly resource: Stored;
}

/** One versioned object that every change replaces by one of another name, new before old. */
export class RunsModel {
  readonly stack: string;
  /** Objects of the cluster, by name: whether they are ours. */
  readonly cluster = new Map<string, boolean>();
  #resources: Resource[] = [];
  #pending: Operation[] = [];
  #serial = 1;
  #reachable = true;

  constructor(stack: string) {
    this.stack = stack;
    rememberCreates(stack, []);
  }

  get wanted(): string {
    return `keys-${this.#serial}`;
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Names that the state knows. */
  get known(): readonly string[] {
    return this.#resources.map(({ id = '' }) => id.split('/')[1] ?? '');
  }

  /** Another value: another name. */
  set(): void {
    this.#serial += 1;
  }

  /** Somebody else makes what the next run would, if it is not there. */
  stranger(): void {
    if (!this.cluster.has(this.wanted)) this.cluster.set(this.wanted, false);
  }

  /** The stranger's things go. */
  strangerLeaves(): void {
    for (const [name, ours] of this.cluster) if (!ours) this.cluster.delete(name);
  }

  /** One run. @returns whether it ended well */
  async run(crash: Crash): Promise<boolean> {
    this.#reachable = crash !== 'the cluster is not to be reached';
    const failed = new FailedCreates(await settlePending(this.#engine()));
    const outcome = this.#up(crash, failed);
    // A killed engine's command sees a code of its own; what it has heard, it has heard.
    rememberCreates(this.stack, outcome === 'well' ? [] : failed.doubtful);
    return outcome === 'well';
  }

  #up(crash: Crash, failed: FailedCreates): 'well' | 'failed' | 'killed' {
    const id = `${namespace}/${this.wanted}`;
    const current = this.#resources.find((each) => each.delete !== true);
    if (current?.id !== id) {
      const inputs = { metadata: { name: this.wanted, namespace, labels } };
      const resource: Stored = { urn, type, custom: true, inputs };
      const operation = { type: 'creating', resource };
      // Pulumi keeps what earlier runs were making.
      this.#pending.push(operation);
      const ended = (): void => {
        this.#pending = this.#pending.filter((each) => each !== operation);
      };
      if (crash === 'the engine before the request') return 'killed';
      const metadata = { op: 'create', urn, type, new: { custom: true, inputs } };
      const refuse = (message: string): 'failed' => {
        failed.hear({ resOpFailedEvent: { metadata } });
        failed.hear({ diagnosticEvent: { urn, severity: 'error', message } });
        ended();
        return 'failed';
      };
      if (!this.#reachable) return refuse('connect ECONNREFUSED');
      if (this.cluster.has(this.wanted)) return refuse(`"${this.wanted}" already exists`);
      this.cluster.set(this.wanted, true);
      if (crash === 'the engine before the answer') return 'killed';
      if (crash === 'the plugin before the answer') return refuse('connection closed');
      ended();
      const made = { ...resource, id, outputs: inputs };
      const before = this.#resources.map((each) => ({ ...each, delete: true }));
      this.#resources = [made, ...before];
    }
    if (crash === 'the engine before the deletion') return 'killed';
    for (const old of this.#resources.filter((each) => each.delete === true)) {
      if (!this.#reachable) return 'failed';
      const name = old.id?.split('/')[1] ?? '';
      if (this.cluster.get(name) === true) this.cluster.delete(name);
      if (crash === 'the engine after the deletion') return 'killed';
      if (crash === 'the plugin before the answer to the deletion') return 'failed';
      this.#resources = this.#resources.filter((each) => each !== old);
    }
    return this.#reachable ? 'well' : 'failed';
  }

  /** As Pulumi answers; a refresh drops what is not there, and shows whose the rest is. */
  #engine(): Engine {
    const ask = async (args: readonly string[], input = ''): Promise<Answer> => {
      const [verb, noun] = args;
      if (verb === 'stack' && noun === 'export') {
        const deployment = { resources: this.#resources, pending_operations: this.#pending };
        return { code: 0, stdout: JSON.stringify({ version: 3, deployment }), stderr: '' };
      }
      if (verb === 'stack' && noun === 'import') {
        const { deployment } = JSON.parse(input) as Deployment;
        this.#resources = [...((deployment.resources ?? []) as readonly Resource[])];
        this.#pending = [...((deployment.pending_operations ?? []) as readonly Operation[])];
        return { code: 0, stdout: '', stderr: '' };
      }
      if (verb === 'refresh') {
        if (!this.#reachable) return { code: 255, stdout: '', stderr: '' };
        const targets = args.flatMap((word, at) => (args[at - 1] === '--target' ? [word] : []));
        this.#resources = this.#resources.flatMap((each) => {
          if (!targets.includes(each.urn)) return [each];
          const name = each.id?.split('/')[1] ?? '';
          const ours = this.cluster.get(name);
          if (ours === undefined) return [];
          const live = { metadata: { name, namespace, labels: ours ? labels : {} } };
          return [{ ...each, inputs: live, outputs: live }];
        });
        return { code: 0, stdout: '', stderr: '' };
      }
      if (verb === 'state' && noun === 'delete') {
        const at = this.#resources.findIndex(
          (each) => each.urn === args[2] && each.delete !== true,
        );
        if (at >= 0) this.#resources.splice(at, 1);
        return { code: 0, stdout: '', stderr: '' };
      }
      throw new Error(`the model knows no ${args.join(' ')}`);
    };
    return { stack: this.stack, ask } as unknown as Engine;
  }
}
