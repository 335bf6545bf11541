/**
 * Issuers, a stack's config, its targets and this machine's files in memory: as much of a world as a
 * rotation can break. It may crash before and after whatever it does. The rotation in it, its journal
 * and its ledger are the product's own.
 */
import assert from 'node:assert/strict';
import { drive, type Hands, type RollOut } from '../../../operations/rotation/drive.ts';
import {
  emptyJournal,
  type Journal,
  type Kept,
  parseJournal,
  without,
} from '../../../operations/rotation/journal.ts';
import {
  type Item,
  isWritten,
  type Ledger,
  lineOf,
  openItems,
  readLedger,
} from '../../../operations/rotation/ledger.ts';
import {
  dueRevocations,
  type RevokingHands,
  revokeDue,
} from '../../../operations/rotation/pending.ts';
import { confirmationOf, recordOf } from '../../../operations/rotation/record.ts';
import { overlapEnd } from '../../../operations/rotation/revocation.ts';
import {
  aborted,
  type Check,
  forbidsUp,
  groupsOf,
  holdsValues,
  isOwn,
  type Revoked,
  type RotatedKey,
  type Rotation,
  resumed,
  type Sealed,
  superseded,
} from '../../../operations/rotation/rotation.ts';
import { begun, confirmable, wayBack } from '../../../operations/rotation/way-back.ts';

export const pair = ['trading.binance_api_key', 'trading.binance_secret_key'] as const;
export const token = 'monitoring.telegram_token';
/** Of what a hook revokes; the others wait for a person. */
export const hooked = 'infrastructure.postgres_password';
const paths = [...pair, token, hooked];
/** A store that keeps older versions of itself, before those who read it. */
const store = 'vault';
const targets = [store, 'env-file', 'kubernetes'] as const;

export type Command =
  | { readonly do: 'rotate' | 'compromised'; readonly paths: readonly string[] }
  | { readonly do: 'back'; readonly paths: readonly string[] }
  | { readonly do: 'resume' | 'abort' | 'abort, start' | 'up' | 'revoke' }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'confirm'; readonly which: number }
  | { readonly do: 'set by hand'; readonly path: string };

/** What goes wrong meanwhile. */
export interface Trouble {
  /** After how many moments the command is killed; none when undefined. */
  readonly crash: number | undefined;
  /** Target that refuses changes. */
  readonly broken: number | undefined;
  /** Whether it does so once, or for as long as the command runs. */
  readonly once: boolean;
  /** Whether the engine ends as after Ctrl-C, and not as after an error. */
  readonly interrupted: boolean;
  /** Whether the new credential does not work. */
  readonly wrong: boolean;
}

export const noTrouble: Trouble = {
  crash: undefined,
  broken: undefined,
  once: false,
  interrupted: false,
  wrong: false,
};

class Crash extends Error {}
class Refused extends Error {}

function sealed(value: string): string {
  return `v1:${Buffer.from(value).toString('base64')}`;
}

function opened(value: Sealed | undefined): string {
  return Buffer.from((value ?? '').slice('v1:'.length), 'base64').toString();
}

export class RotationModel implements Hands, RevokingHands {
  /** Hours that an old credential and its copies stay. */
  readonly overlap: number;
  /** Older versions of the store, by group: values by path. */
  readonly versions = new Map<string, ReadonlyMap<string, string>[]>();
  /** Hour since the model's beginning. */
  #hour = 0;
  /** Hour at which a rotation had replaced a value in every place. */
  readonly #replaced = new Map<string, number>();
  /** Groups whose copies go at once, because somebody else has what was replaced. */
  readonly #exposed = new Set<string>();
  /** Whether an `up` has begun and not ended well. */
  #unfinished = false;
  /** Credentials that their issuers accept. */
  readonly valid = new Set<string>();
  readonly config = new Map<string, string>();
  readonly places = new Map(targets.map((name) => [name, new Map<string, string>()]));
  /** What the bot runs with; undefined while it is stopped. */
  #bot: ReadonlyMap<string, string> | undefined;
  /** What no bot may run with, from its stop on: somebody else has it. */
  readonly #stolen = new Set<string>();
  /** Texts of this machine's files. */
  journalText = JSON.stringify(emptyJournal);
  ledgerText = '';
  /** What a person has replaced by hand. */
  readonly #givenUp = new Set<string>();
  /** What a person has pasted, and can paste again, until the journal has it. */
  readonly #clipboard = new Set<string>();
  /** Credentials that an item of the ledger asks to revoke. */
  readonly #listed = new Map<string, string>();
  #serial = 0;
  #rotations = 0;
  #trouble: Trouble = noTrouble;
  #moments = 0;
  /** How often each thing came about, so that a test knows what it has tried. */
  readonly seen = new Map<string, number>();

  constructor(overlap = 0) {
    this.overlap = overlap;
    for (const path of paths) this.config.set(path, sealed(this.#issue()));
    this.#up();
  }

  get #now(): string {
    return new Date(Date.UTC(2026, 10, 27, this.#hour)).toISOString();
  }

  get journal(): Journal {
    return parseJournal(this.journalText);
  }

  get ledger(): Ledger {
    const ledger = readLedger(this.ledgerText);
    assert.ok('entries' in ledger, 'the chain is broken');
    return ledger;
  }

  /** One command of a person or a schedule. @returns how it ended */
  async run(command: Command, trouble: Trouble): Promise<'well' | 'refused' | 'killed'> {
    this.#trouble = trouble;
    this.#moments = 0;
    const end = await this.#command(command).then(
      (done): 'well' | 'refused' => (done ? 'well' : 'refused'),
      (error: unknown) => {
        if (error instanceof Crash) return 'killed';
        if (error instanceof Refused) return 'refused';
        throw error;
      },
    );
    this.#trouble = noTrouble;
    this.#count(`${command.do}, ${end}`);
    const { due } = this.journal.current ?? {};
    if (due === 'taken back' || due === 'held') this.#count(due);
    this.assertHolds();
    return end;
  }

  async #command(command: Command): Promise<boolean> {
    const { journal } = this;
    const { current } = journal;
    switch (command.do) {
      case 'wait':
        this.#hour += command.hours;
        return true;
      case 'revoke':
        return await this.#revokePending();
      case 'up':
        if (current !== undefined && forbidsUp(current)) return false;
        return this.#up() === 'done';
      case 'set by hand':
        return this.#setByHand(command.path);
      case 'confirm':
        return this.#confirm(command.which);
      case 'compromised':
      case 'rotate': {
        const isUrgent = command.do === 'compromised';
        if (!isUrgent) await this.#revokePending();
        if (current !== undefined && holdsValues(current) && !isUrgent) return false;
        const keys = command.paths.map((path): RotatedKey => {
          const old = this.config.get(path) ?? null;
          return { path, old, oldTag: `tag-of-${opened(old).length}`, worth: true };
        });
        const start = { ...this.#beginning(), ...begun, kind: 'rotate', keys } as const;
        if (!isUrgent) return await this.#drive({ ...start, due: 'value' });
        const bots = this.#bot === undefined ? [] : ['kubernetes'];
        const wanted = { ...start, due: 'stop', emergency: { bots } } as const;
        if (current === undefined || !holdsValues(current)) return await this.#drive(wanted);
        const first = superseded(current, wanted);
        if (first === undefined) return false;
        this.#count('superseded');
        return await this.#drive(first);
      }
      case 'back': {
        if (current !== undefined && holdsValues(current)) return false;
        const back = wayBack(journal, this.ledger, command.paths, this.#beginning(), new Map());
        return back === undefined ? false : await this.#drive(back);
      }
      case 'resume':
        if (current?.emergency === undefined) await this.#revokePending();
        return current === undefined ? false : await this.#drive(resumed(current));
      case 'abort, start':
      case 'abort': {
        if (current?.emergency !== undefined && command.do === 'abort') return false;
        const back = current === undefined ? undefined : aborted(current);
        for (const { path, old } of back?.keys ?? []) {
          // Somebody wants it.
          this.#stolen.delete(opened(old));
          this.#stolen.delete(this.places.get('kubernetes')?.get(path) ?? '');
        }
        return back === undefined ? false : await this.#drive(back);
      }
    }
  }

  /** @returns whether nothing is left to be done */
  async #drive(current: Rotation): Promise<boolean> {
    const journal = await drive({ ...this.journal, current }, this);
    return journal.current === undefined;
  }

  #beginning() {
    this.#rotations += 1;
    const id = `r${this.#rotations}`;
    return { id, begun: this.#now, who: 'model', why: '', targets };
  }

  write(journal: Journal): void {
    this.#moment();
    this.journalText = JSON.stringify(journal);
    for (const value of this.#clipboard) {
      if (this.journalText.includes(sealed(value))) this.#clipboard.delete(value);
    }
    this.#moment();
  }

  say(rotation: Rotation): void {
    this.#count(`step ${rotation.due}`);
  }

  async stop({ keys, emergency }: Rotation): Promise<void> {
    this.#moment();
    if (this.#isBroken(targets.indexOf('kubernetes'))) throw new Refused();
    if (emergency?.bots.includes('kubernetes')) this.#bot = undefined;
    const delivered = this.places.get('kubernetes');
    for (const { path } of keys) this.#stolen.add(delivered?.get(path) ?? '');
    this.#moment();
  }

  async start({ emergency }: Rotation): Promise<RollOut['end']> {
    return emergency?.bots.length === 0 ? 'done' : this.#up();
  }

  async values({ keys }: Rotation) {
    const given = keys.map((each) => ({ ...each, new: sealed(this.#given()) }));
    this.#moment();
    return { keys: given, uncompared: [], voids: [] };
  }

  async check({ keys }: Rotation): Promise<readonly Check[]> {
    this.#moment();
    const works = keys.every((each) => this.valid.has(opened(each.new)));
    if (this.#trouble.wrong || !works) throw new Refused();
    return keys.map(({ path }) => ({ what: path, result: 'passed' }));
  }

  async rollOut({ keys, emergency }: Rotation, side: 'new' | 'old'): Promise<RollOut> {
    const foreign = keys
      .filter((each) => !isOwn(each, this.config.get(each.path) ?? null))
      .map(({ path }) => path);
    if (side === 'new' && foreign.length > 0) throw new Refused();
    this.#moment();
    for (const each of keys) {
      const value = each[side];
      if (!foreign.includes(each.path) && value) this.config.set(each.path, value);
    }
    this.#moment();
    if (this.#up() === 'failed') {
      return { end: this.#trouble.interrupted ? 'interrupted' : 'failed' };
    }
    for (const each of keys) {
      this.#replaced.delete(opened(each[side]));
      if (side === 'new' && emergency === undefined) {
        this.#replaced.set(opened(each.old), this.#hour);
      }
    }
    if (emergency !== undefined) for (const group of groupsOf(keys)) this.#exposed.add(group);
    const tags = new Map(keys.map(({ path }) => [path, `tag-${path}`]));
    return { end: 'done', tags, foreign, at: this.#now, follows: this.ledger.heads };
  }

  async revoke(rotation: Rotation): Promise<Revoked> {
    const { keys } = rotation;
    const groups = groupsOf(keys);
    const settings = { rotation: { overlap: this.overlap === 0 ? '0' : `${this.overlap}h` } };
    const after = overlapEnd(rotation, settings, this.#now);
    if (after !== undefined) return { revoked: [], copies: groups, after };
    const own = keys.filter(({ path }) => path === hooked);
    for (const { path, old } of own) this.#byHook(path, opened(old));
    const gone = await this.removeCopies(groups);
    const copies = groups.filter((group) => !gone.includes(group));
    return { revoked: own.map(({ path }) => path), copies };
  }

  async revokeOld({ keys, items }: Kept): Promise<ReadonlyMap<string, string>> {
    const own = keys.filter(({ path }) => path === hooked);
    for (const { path, old } of own) this.#byHook(path, opened(old));
    const done = items.filter(({ key }) => own.some(({ path }) => path === key));
    return new Map(done.map(({ id }) => [id, 'hook']));
  }

  async removeCopies(groups: readonly string[]): Promise<readonly string[]> {
    if (this.#unfinished || this.#trouble.broken === targets.indexOf(store)) return [];
    for (const group of groups) {
      this.#moment();
      for (const [path, value] of (this.versions.get(group) ?? []).flatMap((each) => [...each])) {
        if (this.places.get(store)?.get(path) === value) continue;
        if (!this.#exposed.has(group)) this.#assertReplaced(path, value);
        this.#count('copy removed');
      }
      this.versions.set(group, []);
      this.#exposed.delete(group);
      this.#moment();
    }
    return groups;
  }

  confirm(item: Item, by: string): void {
    const record = { at: this.#now, who: 'model', why: '', by };
    this.#append(confirmationOf(item, 'model', record));
    this.write(without(this.journal, [item.id]));
    this.#count(`revoked behind the overlap: ${item.revoke}`);
  }

  async #revokePending(): Promise<boolean> {
    return await revokeDue(dueRevocations(this.journal, this.ledger, this.#now), this);
  }

  #byHook(path: string, value: string): void {
    this.#moment();
    this.#assertReplaced(path, value);
    this.#revokeAtIssuer(path, value);
    this.#moment();
  }

  /** Neither an old credential nor a copy goes before the new one is proven and the overlap is over. */
  #assertReplaced(path: string, value: string): void {
    for (const [name, place] of this.places) {
      assert.notEqual(place.get(path), value, `an old ${path} goes while ${name} has it`);
    }
    const since = this.#replaced.get(value);
    if (since === undefined) return;
    assert.ok(this.#hour - since >= this.overlap, `an old ${path} goes within the overlap`);
  }

  record(rotation: Rotation): void {
    const { emergency, goal, items } = rotation;
    if (emergency !== undefined && goal === 'new') {
      const late = items.filter(({ after }) => after !== undefined);
      assert.deepEqual(late, [], 'what somebody else has stays for an overlap');
      if (this.overlap > 0) this.#count('at once');
    }
    const record = recordOf(rotation, 'model', this.#now);
    for (const { id, key, revoke } of record.open.filter((each) => each.revoke !== 'copies')) {
      const own = rotation.keys.find(({ path }) => path === key);
      this.#listed.set(id, opened(revoke === 'old' ? own?.old : own?.new));
    }
    this.#append(record);
  }

  #append(record: Parameters<typeof lineOf>[0]): void {
    const { ledger } = this;
    this.#moment();
    if (!isWritten(ledger, record)) this.ledgerText += lineOf(record, ledger);
    this.#moment();
  }

  /** A person has revoked what an item asks for, and says so. */
  async #confirm(which: number): Promise<boolean> {
    const items = openItems(this.ledger).filter(({ revoke }) => revoke !== 'copies');
    const item = items[which % Math.max(1, items.length)];
    if (item === undefined || !confirmable(this.journal, this.ledger, item.id)) return false;
    this.#revokeAtIssuer(item.key, this.#listed.get(item.id) ?? '');
    this.#moment();
    this.#append(confirmationOf(item, 'model', { at: '', who: 'model', why: '' }));
    this.write(without(this.journal, [item.id]));
    return true;
  }

  #setByHand(path: string): boolean {
    this.#givenUp.add(opened(this.config.get(path)));
    this.config.set(path, sealed(this.#issue()));
    return true;
  }

  /** As `up` does: target by target, what the config says. */
  #up(): 'done' | 'failed' {
    this.#unfinished = true;
    for (const [at, target] of targets.entries()) {
      if (this.#isBroken(at)) return 'failed';
      this.#moment();
      if (target === store) this.#keepVersions();
      for (const [path, value] of this.config) this.places.get(target)?.set(path, opened(value));
      if (target === 'kubernetes') this.#bot = new Map(this.places.get(target));
      this.#moment();
    }
    this.#unfinished = false;
    return 'done';
  }

  /** Of each group that is about to be written, the version before. */
  #keepVersions(): void {
    const before = [...(this.places.get(store) ?? [])];
    for (const group of groupsOf(before.map(([path]) => ({ path })))) {
      const own = before.filter(([path]) => path.startsWith(`${group}.`));
      if (own.every(([path, value]) => opened(this.config.get(path)) === value)) continue;
      this.versions.set(group, [...(this.versions.get(group) ?? []), new Map(own)]);
    }
  }

  #isBroken(target: number): boolean {
    if (target !== this.#trouble.broken) return false;
    if (this.#trouble.once) this.#trouble = { ...this.#trouble, broken: undefined };
    return true;
  }

  #issue(): string {
    this.#serial += 1;
    const value = `credential-${this.#serial}`;
    this.valid.add(value);
    return value;
  }

  #given(): string {
    const value = this.#issue();
    this.#clipboard.add(value);
    return value;
  }

  #revokeAtIssuer(path: string, value: string): void {
    for (const [name, place] of this.places) {
      assert.notEqual(place.get(path), value, `${path} is revoked while ${name} has it`);
    }
    assert.notEqual(opened(this.config.get(path)), value, `${path} is revoked while it is set`);
    this.valid.delete(value);
    this.#count('revoked');
  }

  #moment(): void {
    this.#moments += 1;
    this.assertHolds();
    if (this.#moments === this.#trouble.crash) throw new Crash();
  }

  #count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  /** What must hold at every moment. */
  assertHolds(): void {
    const { journal } = this;
    for (const [name, place] of this.places) {
      for (const [path, value] of place) {
        assert.ok(this.valid.has(value), `${name} has a ${path} that is revoked`);
      }
    }
    for (const [path, value] of this.#bot ?? []) {
      assert.ok(!this.#stolen.has(value), `the bot runs with a ${path} that somebody else has`);
    }
    for (const [path, value] of this.config) {
      assert.ok(this.valid.has(opened(value)), `a ${path} is set that is revoked`);
    }
    const files = this.journalText + this.ledgerText;
    assert.ok(!files.includes('credential-'), 'a value stands in a file');
    const known = new Set([
      ...[...this.config.values()].map(opened),
      ...[...this.journalText.matchAll(/v1:[\w+/=]+/gu)].map(([text]) => opened(text)),
      ...this.#listed.values(),
      ...this.#givenUp,
      ...this.#clipboard,
    ]);
    for (const value of this.valid) assert.ok(known.has(value), `${value} is lost`);
    this.#assertWhole(journal);
    const recorded = this.ledger.entries.map(({ rotation, did, confirms = '' }) =>
      [rotation, did, confirms].join(' '),
    );
    assert.equal(new Set(recorded).size, recorded.length, 'something is recorded twice');
  }

  /** Halves of one credential are set together. */
  #assertWhole({ current }: Journal): void {
    const sides = new Set(
      current?.keys.map((each) => {
        const now = this.config.get(each.path);
        return now === each.old ? 'old' : now === each.new ? 'new' : 'another';
      }),
    );
    if (!sides.has('another')) assert.ok(sides.size <= 1, 'one half is set and the other is not');
  }

  /** Once nothing fails any more: at most two resumptions, or one and the way back. */
  async assertConverges(): Promise<void> {
    for (let tries = 0; tries < 2 && this.journal.current !== undefined; tries += 1) {
      if ((await this.run({ do: 'resume' }, noTrouble)) !== 'refused') continue;
      // Somebody has set a third value, or has revoked what it was to go back to.
      const foreign = this.journal.current?.keys.some(
        (each) => !isOwn(each, this.config.get(each.path) ?? null),
      );
      const revoked = this.journal.current?.keys.some((each) => !this.valid.has(opened(each.new)));
      if (!foreign && !revoked) continue;
      assert.equal(await this.run({ do: 'abort, start' }, noTrouble), 'well');
    }
    assert.equal(this.journal.current, undefined, 'it has not converged');
    assert.equal(await this.run({ do: 'up' }, noTrouble), 'well');
    for (const [name, place] of this.places) {
      for (const [path, value] of this.config) {
        assert.equal(place.get(path), opened(value), `${path} in ${name}`);
      }
    }
    await this.run({ do: 'wait', hours: this.overlap }, noTrouble);
    assert.equal(await this.run({ do: 'revoke' }, noTrouble), 'well');
    const left = openItems(this.ledger).filter(({ revoke }) => revoke === 'copies');
    assert.deepEqual(left, [], 'copies are left');
  }
}
