/**
 * The cluster's half of what is written for git, as Flux and Argo CD do it: server-side apply, and
 * deletion of what is gone. Flux applies first, and deletes in the background (kustomize-controller,
 * kustomization_controller.go); Argo CD deletes first, in the foreground (gitops-engine,
 * sync_context.go). Built and decrypted it is by `builtForFlux`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { toolDirectory } from '../../operations/engine/go.ts';
import { kubernetes } from '../../rehearsal/tools/tools.ts';
import type { Manifest } from './conformance/git-target.ts';

interface Ended {
  readonly code: number;
  readonly text: string;
}

export class GitSync {
  readonly #kubeconfig: string;
  readonly #namespace: string;
  /** What is applied, by kind and name. */
  #applied: readonly string[] = [];

  constructor(kubeconfig: string, namespace: string) {
    this.#kubeconfig = kubeconfig;
    this.#namespace = namespace;
  }

  kubectl(words: readonly string[], input = ''): Ended {
    const program = join(toolDirectory(kubernetes), 'kubectl');
    const { status, stdout, stderr } = spawnSync(program, words, {
      input,
      encoding: 'utf8',
      env: { ...process.env, KUBECONFIG: this.#kubeconfig },
    });
    return { code: status ?? 1, text: stdout + stderr };
  }

  tryApply(objects: readonly Manifest[], ...flags: readonly string[]): Ended {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const words = ['apply', '--server-side', '--field-manager=gitops', '--validate=strict'];
    return this.kubectl([...words, ...flags, '-f', '-'], list);
  }

  /** The namespace first. @throws AssertionError */
  apply(objects: readonly Manifest[]): void {
    const spaces = objects.filter(({ kind }) => kind === 'Namespace');
    for (const part of [spaces, objects]) {
      if (part.length === 0) continue;
      const { code, text } = this.tryApply(part);
      assert.equal(code, 0, text);
    }
  }

  /** @throws AssertionError */
  prune(names: readonly string[], cascade: 'background' | 'foreground' = 'background'): void {
    if (names.length === 0) return;
    const words = ['--namespace', this.#namespace, 'delete', `--cascade=${cascade}`, ...names];
    const { code, text } = this.kubectl(words);
    assert.equal(code, 0, text);
  }

  /** As Flux does it: everything, and what is gone last. @throws AssertionError */
  sync(objects: readonly Manifest[]): void {
    this.apply(objects);
    const names = objects.map(nameOf);
    this.prune(this.#applied.filter((each) => !names.includes(each)));
    this.#applied = names;
  }
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}
