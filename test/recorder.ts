/** Records what the program registers under Pulumi's mocks, and what of it is not secret. */
import * as pulumi from '@pulumi/pulumi';
import type { MockResourceArgs } from '@pulumi/pulumi/runtime/mocks.js';
import { secretMark, signature } from '../plugins/provider-server.ts';

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export class Recorder {
  readonly registrations: Registration[] = [];
  readonly #seed: string;
  #made = 0;

  /** @param seed goes into generated values; another one makes all of them others */
  constructor(seed = 'seed') {
    this.#seed = seed;
  }

  install(project: string, stack: string, preview: boolean): void {
    void pulumi.runtime.setMocks(
      {
        newResource: (args) => this.#register(args),
        call: () => ({}),
      },
      project,
      stack,
      preview,
    );
  }

  #register(args: MockResourceArgs): { id: string; state: Record<string, unknown> } {
    this.registrations.push({ type: args.type, name: args.name, inputs: args.inputs });
    const id = `${args.name}-id`;
    const made = `${this.#seed}-${args.name}-${this.#made++}`;
    if (args.type === 'random:index/randomPassword:RandomPassword') {
      const result = { [signature]: secretMark, value: `generated-${this.#seed}-${args.name}` };
      return { id: 'none', state: { ...args.inputs, result } };
    }
    if (args.type === 'random:index/randomId:RandomId') {
      return { id, state: { ...args.inputs, hex: Buffer.from(made).toString('hex').slice(0, 8) } };
    }
    return { id, state: args.inputs };
  }

  of(type: string): readonly Registration[] {
    return this.registrations.filter((registration) => registration.type === type);
  }

  /** Everything recorded, without what stands inside secret marks. */
  public(): string {
    return JSON.stringify(withoutSecrets(this.registrations));
  }
}

export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  const object = value as Record<string, unknown>;
  if (object[signature] === secretMark) return '[secret]';
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, withoutSecrets(v)]));
}

/** The value inside a secret mark; fails when it is not marked. */
export function secretOf(value: unknown): string {
  const object = value as Record<string, unknown>;
  if (object?.[signature] !== secretMark) throw new Error('not marked as secret');
  return object.value as string;
}

export async function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return await new Promise((settle) => output.apply(settle));
}
