import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  createWriteStream,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { judgeOf } from '../../../operations/audit/judge.ts';
import { Keys } from '../../../operations/audit/keys.ts';
import { KubernetesLog } from '../../../operations/audit/kubernetes-log.ts';
import { lateOf, readCloudTrail, readLines, rotatedOf } from '../../../operations/audit/reading.ts';
import { type AuditReport, auditCodeOf, shownAudit } from '../../../operations/audit/shown.ts';
import { sinceOf } from '../../../operations/audit/since.ts';
import { Tally } from '../../../operations/audit/tally.ts';
import { parseRequest } from '../../../operations/audit.ts';
import { CommandError } from '../../../operations/engine/command-error.ts';
import { makeCanary } from '../../canary.ts';
import { expecting, kubernetesEntry, operators, session, trailRecord } from './entries.ts';

const trading = 'hummingbot-trading-keys-0011aabb';
const line = (name: string, at?: string): string =>
  `${JSON.stringify(kubernetesEntry('get', trading, name, at === undefined ? {} : { at }))}\n`;
const oneLine = (error: Error): boolean =>
  error instanceof CommandError &&
  /^[^\n]+: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/.test(error.message);

const nothing: AuditReport = {
  stack: 'prod',
  since: 's',
  at: 'a',
  events: [],
  sources: [],
  otherKeys: undefined,
  late: [],
  left: { strange: 0, expected: 0 },
};

describe('reading logs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'audit-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function read(path: string, since = 0) {
    const tally = new Tally(judgeOf(expecting, operators));
    const log = new KubernetesLog('hummingbot');
    const source = await readLines(path, "Kubernetes' audit", log.lineOf.bind(log), since, tally);
    return { source, rows: tally.rows };
  }

  it('adds up who read what, not expected first, with first and last time', async () => {
    const path = join(folder, 'audit.log');
    writeFileSync(
      path,
      line('ann', '2026-11-27T10:00:00Z') +
        line('eve', '2026-11-27T11:00:00Z') +
        line('eve', '2026-11-27T09:00:00Z'),
    );
    const { rows } = await read(path);
    assert.deepEqual(
      rows.map(({ who, expected, count, first, last }) => [who, expected, count, first, last]),
      [
        ['User:eve', null, 2, '2026-11-27T09:00:00.000Z', '2026-11-27T11:00:00.000Z'],
        ['User:ann', 'readers.trading', 1, '2026-11-27T10:00:00.000Z', '2026-11-27T10:00:00.000Z'],
      ],
    );
    const late = await read(path, Date.parse('2026-11-27T10:30:00Z'));
    assert.deepEqual(
      late.rows.map(({ count }) => count),
      [1],
    );
  });

  it('reads gzip, and leaves a half last line to the next time', async () => {
    const zipped = join(folder, 'audit.log.gz');
    writeFileSync(zipped, gzipSync(line('eve')));
    assert.equal((await read(zipped)).rows.length, 1);
    const half = join(folder, 'half.log');
    writeFileSync(half, line('ann') + line('eve').slice(0, 100));
    const { source, rows } = await read(half);
    assert.deepEqual([source.lines, source.strange, rows.length], [1, 0, 1]);
    appendFileSync(half, line('eve').slice(100));
    assert.equal((await read(half)).rows.length, 2);
  });

  it('counts lines that are cut in the middle or too long, and goes on', async () => {
    const path = join(folder, 'audit.log');
    writeFileSync(
      path,
      `${line('ann')}{"kind":"Ev\n${'x'.repeat(5 * 1024 * 1024)}\n${line('eve')}`,
    );
    const { source, rows } = await read(path);
    assert.deepEqual([source.lines, source.strange, rows.length], [4, 2, 2]);
  });

  it('refuses what is no such log, no file or no file of ours, in one line', async () => {
    const path = join(folder, 'other.log');
    writeFileSync(path, 'I1127 klog\nI1127 klog\n');
    await assert.rejects(async () => await read(path), oneLine);
    await assert.rejects(async () => await read(join(folder, 'none')), oneLine);
    await assert.rejects(async () => await read(folder), oneLine);
    assert.throws(() => rotatedOf(join(folder, 'none'), 0), oneLine);
    const broken = join(folder, 'broken.gz');
    writeFileSync(broken, gzipSync(line('eve').repeat(1000)).subarray(0, 60));
    await assert.rejects(async () => await read(broken), oneLine);
  });

  it('reads an empty log as one without events', async () => {
    const path = join(folder, 'audit.log');
    writeFileSync(path, '');
    assert.deepEqual((await read(path)).source, {
      file: path,
      lines: 0,
      strange: 0,
      bodies: 0,
      first: null,
    });
  });

  it('finds what rotations made of a file, but for what is too old', () => {
    const names = [
      'audit.log',
      'audit-2026-11-27T10-00-00.000.log',
      'audit-2026-11-26T10-00-00.000.log.gz',
      'audit.log.1',
      'audit.log.2.gz',
      'audit.log-20261127.gz',
      'audit.logs',
      'other.log',
      'vault-audit.log',
    ];
    for (const name of names) writeFileSync(join(folder, name), '');
    utimesSync(join(folder, 'audit.log.2.gz'), 1, 1);
    const { files, reachesBack } = rotatedOf(join(folder, 'audit.log'), Date.now() - 3_600_000);
    assert.ok(reachesBack);
    assert.ok(!rotatedOf(join(folder, 'audit.log'), 0).reachesBack);
    const found = files.map((path) => path.slice(folder.length + 1));
    assert.deepEqual(found.toSorted(), [
      'audit-2026-11-26T10-00-00.000.log.gz',
      'audit-2026-11-27T10-00-00.000.log',
      'audit.log',
      'audit.log-20261127.gz',
      'audit.log.1',
    ]);
  });

  it('reads a file of CloudTrail, also pretty', async () => {
    const path = join(folder, 'trail.json.gz');
    const record = trailRecord('GetSecretValue', session('eve'), {
      secretId: 'hummingbot/trading',
    });
    writeFileSync(path, gzipSync(JSON.stringify({ Records: [record] }, undefined, 2)));
    const tally = new Tally(judgeOf(expecting, operators));
    await readCloudTrail(path, 'hummingbot', 0, tally, new Keys([], () => undefined));
    assert.deepEqual(
      tally.rows.map(({ verb, expected }) => [verb, expected]),
      [['GetSecretValue', null]],
    );
  });

  it('says what is not expected by its exit code, and no value in any form', async () => {
    const canary = makeCanary('body');
    const path = join(folder, 'audit.log');
    const entry = {
      ...kubernetesEntry('get', trading, 'ann'),
      responseObject: { data: { x: canary } },
    };
    writeFileSync(
      path,
      line('ann') +
        `${JSON.stringify(entry)}\n` +
        `${JSON.stringify(kubernetesEntry('get', trading, 'eve', { code: 403 }))}\n`,
    );
    const { source, rows } = await read(path);
    const report = { ...nothing, events: rows, sources: [source] };
    assert.equal(auditCodeOf(report), 1);
    assert.equal(auditCodeOf({ ...report, sources: [] }), 0);
    for (const format of ['table', 'markdown', 'json'] as const) {
      const said = shownAudit(report, format);
      assert.ok(!said.includes(canary));
      assert.ok(said.includes('User:eve'));
    }
    assert.match(
      shownAudit(report, 'table'),
      /1 lines hold values in the clear[\s\S]*not expected: 0 done, 1 refused$/,
    );
  });

  it('keeps a bounded number of rows, whatever names somebody makes up', () => {
    const tally = new Tally(({ who }) => (who === 'User:ann' ? 'readers.trading' : undefined));
    const get = (who: string, refused: boolean): void =>
      tally.add({
        system: 'Kubernetes',
        at: 0,
        who,
        also: [],
        deed: 'read',
        verb: 'get',
        what: 'x',
        from: '',
        refused,
      });
    for (let at = 0; at < 21_000; at++) get(`User:${at}`, true);
    assert.deepEqual([tally.rows.length, tally.left.strange], [20_000, 1000]);
    // What was done stands there nevertheless, and first.
    get('User:eve', false);
    get('User:ann', false);
    const [first] = tally.rows;
    assert.deepEqual([first?.who, first?.outcome], ['User:eve', 'done']);
    assert.ok(tally.rows.some(({ who }) => who === 'User:ann'));
    assert.deepEqual(tally.left, { strange: 1000, expected: 0 });
  });

  it('does not end with 0 when there was more that is not expected than it shows', () => {
    const flooded = { ...nothing, left: { strange: 1000, expected: 0 } };
    assert.equal(auditCodeOf(flooded), 1);
    assert.match(shownAudit(flooded, 'table'), /^1000 events that are not expected, /);
    const busy = { ...nothing, left: { strange: 0, expected: 5 } };
    assert.equal(auditCodeOf(busy), 0);
    assert.match(shownAudit(busy, 'markdown'), /^- 5 expected events, /m);
  });

  it('names a log that begins later than it is asked about, and none that reaches back', async () => {
    const path = join(folder, 'audit.log');
    const of = async (since: string) =>
      lateOf(path, [(await read(path, Date.parse(since))).source], Date.parse(since));
    writeFileSync(path, line('ann', '2026-11-27T10:00:00Z') + line('ann', '2026-11-27T11:00:00Z'));
    assert.equal(await of('2026-11-27T10:30:00Z'), undefined);
    const first = '2026-11-27T10:00:00.000Z';
    const late = await of('2026-11-26T10:00:00Z');
    assert.deepEqual(late, { file: path, first });
    writeFileSync(path, '');
    assert.deepEqual(await of('2026-11-26T10:00:00Z'), { file: path, first: null });
    const report = {
      ...nothing,
      late: [
        { file: path, first },
        { file: '-', first: null },
      ],
    };
    assert.match(
      shownAudit(report, 'table'),
      /audit\.log: the first entry is of 2026-11-27T10:00:00\.000Z: it says nothing.*\n-: no entry/,
    );
    assert.equal(auditCodeOf(report), 0);
  });

  it('does not take nothing for a log of CloudTrail', async () => {
    const path = join(folder, 'trail.json');
    const tally = new Tally(judgeOf(expecting, operators));
    const keys = new Keys([], () => undefined);
    for (const text of ['', '\n']) {
      writeFileSync(path, text);
      await assert.rejects(
        async () => await readCloudTrail(path, 'hummingbot', 0, tally, keys),
        oneLine,
      );
    }
    // What nobody has done is an answer.
    writeFileSync(path, JSON.stringify({ Events: [] }));
    const { lines, isLookup } = await readCloudTrail(path, 'hummingbot', 0, tally, keys);
    assert.deepEqual([lines, isLookup], [0, true]);
  });

  it('does not take an empty standard input for a log without events', () => {
    for (const option of ['--cloudtrail', '--kubernetes-log']) {
      const words = ['operations/audit.ts', '--stack', 'dev', option, '-'];
      const { status, stdout, stderr } = spawnSync(process.execPath, words, {
        input: '',
        encoding: 'utf8',
      });
      assert.equal(status, 2, stdout + stderr);
      assert.match(stderr, /^the standard input: got nothing; allowed: [^\n]+; fix: [^\n]+\n$/);
    }
  });

  it('takes time that grows with the log and memory that does not', async function () {
    this.timeout(60_000);
    const path = join(folder, 'large.log');
    const chunk = line('ann').repeat(2000) + line('eve').repeat(20);
    const peak = async (chunks: number): Promise<number> => {
      const file = createWriteStream(path);
      for (let at = 0; at < chunks; at++) if (!file.write(chunk)) await once(file, 'drain');
      await new Promise<void>((settle) => void file.end(settle));
      let most = 0;
      const timer = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss);
      }, 5);
      const { source } = await read(path);
      clearInterval(timer);
      assert.equal(source.lines, chunks * 2020);
      return most;
    };
    await peak(4);
    const small = await peak(8);
    const large = await peak(32);
    assert.ok(statSync(path).size > 30e6);
    assert.ok(large < small + 120e6, `${small} then ${large} bytes`);
  });
});

describe('the request of an audit', () => {
  it('takes its options, and refuses others in one line', () => {
    const request = parseRequest(['--stack', 'prod', '--vault-log', 'a', '--vault-log', 'b']);
    assert.deepEqual([request.vault, request.since, request.format], [['a', 'b'], '24h', 'table']);
    const key = '1234abcd-12ab-34cd-56ef-1234567890ab';
    for (const name of [key, `arn:aws:kms:us-east-1:210987654321:key/${key}`]) {
      assert.deepEqual(parseRequest(['--cloudtrail', 'x', '--key', name]).keys, [key]);
    }
    for (const words of [
      [],
      ['--kubernetes-log'],
      ['--log', 'x'],
      ['--cloudtrail', 'x', '--format', 'csv'],
      ['--cloudtrail', 'x', '--key', 'alias/mine'],
    ]) {
      assert.throws(() => parseRequest(words), oneLine, words.join(' '));
    }
  });

  it('begins where it is told', () => {
    const now = Date.parse('2026-11-27T12:00:00Z');
    assert.equal(sinceOf('24h', now), Date.parse('2026-11-26T12:00:00Z'));
    assert.equal(sinceOf('30m', now), Date.parse('2026-11-27T11:30:00Z'));
    assert.equal(sinceOf('7d', now), Date.parse('2026-11-20T12:00:00Z'));
    assert.equal(sinceOf('2026-11-27T10:00:00Z', now), Date.parse('2026-11-27T10:00:00Z'));
    for (const word of ['', 'yesterday', '24', '-1h', '2026-13-41'])
      assert.throws(() => sinceOf(word, now), oneLine);
  });
});
