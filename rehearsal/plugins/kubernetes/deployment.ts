/**
 * When a Deployment is done, as the official provider sees it
 * (provider/pkg/await/deployment.go), its defect included: for `Recreate` the old ReplicaSet still
 * is the one of the Deployment's revision while the old pod ends, and with its 0 of 0 replicas
 * the update counts as done.
 */
import type { KubernetesObject } from '../../../plugins/kubernetes-api.ts';
import type { Change } from './follow.ts';

interface Status {
  readonly observedGeneration?: number;
  readonly phase?: string;
  readonly readyReplicas?: number;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

const revision = 'deployment.kubernetes.io/revision';

export class DeploymentProgress {
  readonly #name: string;
  readonly #uid: string | undefined;
  /** Revision before the change; undefined for a new Deployment. */
  readonly #lastRevision: string | undefined;
  readonly #isUpdate: boolean;
  readonly #replicaSets = new Map<string, KubernetesObject>();
  readonly #claims = new Map<string, KubernetesObject>();
  readonly #errors = new Map<string, string>();
  #deployment: KubernetesObject;
  /** The Deployment's revision; '0' as long as the controller has not seen it. */
  #revision = '0';
  #isAvailable = false;
  #isReplicaSetAvailable = false;
  #isReplicaSetReady = false;
  #hasReconciled = false;
  #waitingChanges: (() => void)[] = [];

  /**
   * @param deployment as the API answered the write
   * @param last as it was before; undefined when it was made
   */
  constructor(deployment: KubernetesObject, last: KubernetesObject | undefined) {
    this.#deployment = deployment;
    this.#name = deployment.metadata?.name ?? '';
    this.#uid = deployment.metadata?.uid;
    this.#isUpdate = last !== undefined;
    this.#lastRevision = last?.metadata?.annotations?.[revision];
  }

  get isDone(): boolean {
    if (!this.#hasReconciled || !this.#isAvailable || !this.#isReplicaSetReady) return false;
    return (this.#revision === '1' || this.#isReplicaSetAvailable) && this.#claimsAreBound();
  }

  get live(): KubernetesObject {
    return this.#deployment;
  }

  /** What a status line says of it. */
  get progress(): string {
    const replicaSet = this.#replicaSets.get(this.#revision);
    const { readyReplicas = 0 } = statusOf(replicaSet);
    const wanted = replicasOf(replicaSet);
    return `Waiting for app ReplicaSet to be available (${readyReplicas}/${wanted} Pods available)`;
  }

  /** What it lacks, as the official provider says it. */
  get reasons(): readonly string[] {
    const reasons = [...this.#errors.values()];
    const unbound = [...this.#claims.values()]
      .filter((claim) => statusOf(claim).phase !== 'Bound')
      .map((claim) => `"${claim.metadata?.name}"`);
    if (unbound.length > 0) {
      reasons.push(`Failed to bind PersistentVolumeClaim(s): ${unbound.join(',')}`);
    }
    if (!this.#isAvailable) reasons.push('Minimum number of live Pods was not attained');
    else if (!this.#isReplicaSetReady) {
      reasons.push('Minimum number of Pods to consider the application live was not attained');
    }
    return reasons;
  }

  deploymentChanged({ type, object }: Change): void {
    if (object.metadata?.name !== this.#name || type === 'gone') return;
    const { generation = 0 } = object.metadata;
    if (generation < (this.#deployment.metadata?.generation ?? 0)) return;
    if (!this.#hasReconciled && statusOf(object).observedGeneration !== generation) return;
    this.#errors.clear();
    this.#deployment = object;
    this.#readDeployment();
    if (this.#hasReconciled) return;
    // What came before the controller had seen the change is looked at only now.
    this.#hasReconciled = true;
    for (const change of this.#waitingChanges) change();
    this.#waitingChanges = [];
  }

  replicaSetChanged(change: Change): void {
    if (!this.#hasReconciled) {
      this.#waitingChanges.push(() => this.replicaSetChanged(change));
      return;
    }
    const { object, type } = change;
    if (!object.metadata?.ownerReferences?.some(({ uid }) => uid === this.#uid)) return;
    const itsRevision = object.metadata.annotations?.[revision] ?? '';
    if (type === 'gone') this.#replicaSets.delete(itsRevision);
    else this.#replicaSets.set(itsRevision, object);
    this.#checkReplicaSet();
  }

  claimChanged(change: Change): void {
    if (!this.#hasReconciled) {
      this.#waitingChanges.push(() => this.claimChanged(change));
      return;
    }
    const name = change.object.metadata?.name ?? '';
    if (change.type === 'gone') this.#claims.delete(name);
    else if (claimNamesOf(this.#deployment).includes(name)) this.#claims.set(name, change.object);
  }

  #readDeployment(): void {
    this.#revision = this.#deployment.metadata?.annotations?.[revision] ?? '';
    if (this.#revision === '') return;
    for (const { type, status, reason = '', message } of statusOf(this.#deployment).conditions ??
      []) {
      if (type !== 'Progressing' && type !== 'Available') continue;
      const isTrue = status === 'True';
      if (!isTrue && message !== undefined) this.#errors.set(reason, `[${reason}] ${message}`);
      if (type === 'Available') this.#isAvailable = isTrue;
      else this.#isReplicaSetAvailable = isTrue && reason === 'NewReplicaSetAvailable';
    }
    this.#checkReplicaSet();
  }

  #checkReplicaSet(): void {
    const replicaSet = this.#replicaSets.get(this.#revision);
    if (replicaSet === undefined) return;
    const { readyReplicas } = statusOf(replicaSet);
    const wanted = replicasOf(replicaSet);
    const isReady = readyReplicas === undefined ? wanted === 0 : readyReplicas >= wanted;
    const rolledOut = !this.#isUpdate || this.#revision !== this.#lastRevision;
    this.#isReplicaSetReady = isReady && (!rolledOut || this.#lastRevision !== this.#revision);
  }

  #claimsAreBound(): boolean {
    return [...this.#claims.values()].every((claim) => statusOf(claim).phase === 'Bound');
  }
}

function statusOf(object: KubernetesObject | undefined): Status {
  return (object?.status ?? {}) as Status;
}

function replicasOf(object: KubernetesObject | undefined): number {
  return (object?.spec as { replicas?: number } | undefined)?.replicas ?? 1;
}

function claimNamesOf(deployment: KubernetesObject): readonly string[] {
  const spec = deployment.spec as
    | {
        template?: {
          spec?: { volumes?: { persistentVolumeClaim?: { claimName?: string } }[] };
        };
      }
    | undefined;
  const volumes = spec?.template?.spec?.volumes ?? [];
  return volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
}
