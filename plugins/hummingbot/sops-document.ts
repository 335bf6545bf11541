/**
 * `hummingbot:index:SopsDocument`: one Kubernetes Secret, encrypted by sops, in a directory that
 * git holds.
 *
 * What was encrypted is kept in the state, and written from there: the ciphertext of sops is another
 * at each run, so nothing is encrypted twice that did not change, and a file that somebody changed
 * or deleted comes back byte by byte. Other recipients get the data key wrapped anew; when no key
 * at hand opens it, the document is encrypted anew, which needs none.
 */
import type {
  CheckResult,
  CreateResult,
  DiffResult,
  ReadResult,
  UpdateResult,
} from '@pulumi/pulumi/provider/provider.js';
import {
  type Call,
  failure,
  isUnknown,
  PluginError,
  type Properties,
  type ResourceHandler,
  secret,
} from '../provider-server.ts';
import { GitFiles, idOf, movedIn, placeFailures, placeOf } from './git-file.ts';
import type { Sops } from './sops.ts';
import { recipientsOf, sortedRecipients } from './sops-rules.ts';

interface DocumentState {
  /** As of a GitFile. */
  readonly root: string;
  readonly path: string;
  /** The Secret, as JSON. Secret. */
  readonly manifest: string;
  /** Age public keys and ARNs of KMS keys. */
  readonly recipients: readonly string[];
  /** Output: what was encrypted, as it was written. */
  readonly document: string;
  /** Output: whether the file was found so. */
  readonly asWritten: boolean;
}

export class SopsDocument implements ResourceHandler {
  readonly #files: GitFiles;
  readonly #sops: Sops;

  /** @param project directory that a relative root is relative to */
  constructor(project: string, sops: Sops) {
    this.#files = new GitFiles(project);
    this.#sops = sops;
  }

  async check(_olds: Properties, news: Properties): Promise<CheckResult> {
    const failures = [...placeFailures(news)];
    const { manifest, recipients } = news;
    if (typeof manifest !== 'string') failures.push(failure('manifest', 'allowed: JSON text'));
    if (!isUnknown(recipients) && !isListOfText(recipients)) {
      failures.push(failure('recipients', 'allowed: a list of at least one'));
    }
    return { inputs: marked(news), failures };
  }

  async diff(_id: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const moves = !this.#files.isSame(placeOf(olds), placeOf(news));
    const changes =
      moves || olds.manifest !== news.manifest || !isFor(olds, news) || olds.asWritten !== true;
    return { changes, replaces: moves ? movedIn(olds, news) : [] };
  }

  async create(inputs: Properties, { signal }: Call): Promise<CreateResult> {
    const document = await this.#encrypt(inputs, signal);
    await this.#files.write(placeOf(inputs), document);
    return { id: idOf(inputs), outs: { ...marked(inputs), document, asWritten: true } };
  }

  async update(_id: string, olds: Properties, news: Properties, call: Call): Promise<UpdateResult> {
    const document = await this.#documentOf(olds, news, call);
    await this.#files.write(placeOf(news), document);
    return { outs: { ...marked(news), document, asWritten: true } };
  }

  async #documentOf(olds: Properties, news: Properties, call: Call): Promise<string> {
    const { manifest, document, recipients } = stateOf(olds);
    if (manifest !== news.manifest || typeof document !== 'string') {
      return await this.#encrypt(news, call.signal);
    }
    if (isFor(olds, news)) return document;
    const next = stateOf(news).recipients;
    const wrapped = await this.#sops.rewrap(document, next, call.signal);
    if (wrapped !== undefined && isEncryptedFor(wrapped, next)) return wrapped;
    const lost = recipients.filter((each) => !next.includes(each)).length;
    call.log(
      'warning',
      `${idOf(news)}: no key at hand opens it, so it was encrypted anew and not wrapped anew` +
        `${lost === 0 ? '' : `; ${lost} of its recipients can read it no more`}`,
    );
    return await this.#encrypt(news, call.signal);
  }

  async read(id: string, state: Properties): Promise<ReadResult> {
    const found = await this.#files.read(placeOf(state));
    const { manifest = '', recipients = [], document } = stateOf(state);
    const inputs = marked({ ...placeOf(state), manifest, recipients });
    // The place of what a killed run was making: what is there may be half of what it should be.
    if (typeof document !== 'string') {
      return found === undefined ? {} : { id, props: { ...inputs, asWritten: false }, inputs };
    }
    // A missing one too is written again as it was, and not encrypted anew.
    return { id, props: { ...inputs, document, asWritten: found === document }, inputs };
  }

  async delete(_id: string, state: Properties): Promise<void> {
    await this.#files.remove(placeOf(state));
  }

  async #encrypt(inputs: Properties, signal: AbortSignal): Promise<string> {
    const { manifest, recipients } = stateOf(inputs);
    const document = await this.#sops.encrypt(manifest, recipients, signal);
    if (isEncryptedFor(document, recipients)) return document;
    throw new PluginError(
      `${idOf(inputs)}: got something else than a Secret that is encrypted for its recipients; ` +
        'allowed: what sops 3 writes; fix: sops --version, and which sops',
    );
  }
}

/** Whether a document is encrypted, and for these and no others. */
function isEncryptedFor(document: string, recipients: readonly string[]): boolean {
  const found = recipientsOf(document);
  return found !== undefined && isSameList(found, sortedRecipients(recipients));
}

function isFor(olds: Properties, news: Properties): boolean {
  const [before, after] = [olds, news].map(({ recipients }) =>
    isListOfText(recipients) ? sortedRecipients(recipients) : [],
  );
  return isSameList(before ?? [], after ?? []);
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

function isListOfText(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')
  );
}

function stateOf(state: Properties): DocumentState {
  return state as unknown as DocumentState;
}

function marked(state: Properties): Properties {
  return { ...state, manifest: secret(state.manifest) };
}
