/**
 * `hummingbot:index:SealedData`: the values of one Secret, sealed by kubeseal. It writes nothing: what
 * was sealed is kept in the state and goes from there into a cluster or a file.
 *
 * Ciphertext is another at each run, so nothing is sealed twice for which values, place and
 * certificate are the same. Another certificate seals it anew, once, and says so.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Call,
  type CheckResult,
  type CreateResult,
  containsUnknown,
  type DiffResult,
  failure,
  isObject,
  isUnknown,
  type Properties,
  type ReadResult,
  type ResourceHandler,
  secret,
  type UpdateResult,
} from '../provider-server.ts';
import type { Kubeseal, Sealable } from './kubeseal.ts';

const texts = ['namespace', 'name', 'certificate'] as const;
const inputs = [...texts, 'data'] as const;

export class SealedData implements ResourceHandler {
  readonly #kubeseal: Kubeseal;

  constructor(kubeseal: Kubeseal) {
    this.#kubeseal = kubeseal;
  }

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const failures = texts
      .filter((name) => typeof news[name] !== 'string')
      .map((name) => failure(name, 'allowed: text'));
    const { data } = news;
    const fine =
      isUnknown(data) ||
      containsUnknown(data) ||
      (isObject(data) && Object.values(data).every((value) => typeof value === 'string'));
    if (!fine) failures.push(failure('data', 'allowed: a map of keys to base64'));
    return { inputs: marked(news), failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const changed = inputs.filter((name) => !isDeepStrictEqual(olds[name], news[name]));
    return { changes: changed.length > 0, diffs: [...changed] };
  }

  async create(news: Properties, { signal }: Call): Promise<CreateResult> {
    return { id: idOf(news), outs: await this.#sealed(news, signal) };
  }

  async update(_id: string, olds: Properties, news: Properties, call: Call): Promise<UpdateResult> {
    if (olds.certificate !== news.certificate) {
      call.log('info', `${idOf(news)}: sealed anew, for another certificate`);
    }
    return { outs: await this.#sealed(news, call.signal) };
  }

  async read(id: string, state: Properties): Promise<ReadResult> {
    const known = Object.fromEntries(inputs.map((name) => [name, state[name]]));
    return { id, props: marked(state), inputs: marked(known) };
  }

  async delete(): Promise<void> {}

  async #sealed(news: Properties, signal: AbortSignal): Promise<Properties> {
    const plain = news as unknown as Sealable;
    const encryptedData = await this.#kubeseal.seal(plain, String(news.certificate), signal);
    return { ...marked(news), encryptedData };
  }
}

function idOf({ namespace, name }: Properties): string {
  return `${namespace}/${name}`;
}

function marked(state: Properties): Properties {
  return { ...state, data: secret(state.data) };
}
