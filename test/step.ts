/** A command of a model-based test: when it may be done, and what it does to the model and to what is real. */
import type { AsyncCommand } from 'fast-check';

export class Step<Model extends object, Real> implements AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #may: (model: Model) => boolean;
  readonly #act: (model: Model, real: Real) => Promise<void>;

  constructor(
    name: string,
    may: (model: Model) => boolean,
    act: (model: Model, real: Real) => Promise<void>,
  ) {
    this.#name = name;
    this.#may = may;
    this.#act = act;
  }

  check(model: Readonly<Model>): boolean {
    return this.#may(model as Model);
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#act(model, real);
  }

  toString(): string {
    return this.#name;
  }
}
