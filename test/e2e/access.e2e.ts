/**
 * `npm run access` and `npm run audit` in a rehearsed prod: nothing is found on a clean stack, each right
 * too many with its cause, and reads by six identities in the API server's own log. Linux and root.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PutResourcePolicyCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretKey } from '../../components/catalog.ts';
import type { Report, Row } from '../../operations/access/report.ts';
import { reading } from '../../operations/access/ways.ts';
import type { AuditReport } from '../../operations/audit/shown.ts';
import { KubernetesApi } from '../../plugins/kubernetes-api.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { leaks } from '../canary.ts';
import {
  asAccount,
  core,
  everything,
  grant,
  makeAccount,
  openTo,
  wideRole,
} from './planted-rights.ts';
import { readers } from './rbac-matrix.ts';
import { canRehearse, RehearsedStack } from './rehearsed-stack.ts';

const trading = 'hummingbot/trading';
/** A read is in the report at the latest after so long. */
const seenSeconds = 10;

describe('access to a rehearsed prod', () => {
  const prod = new RehearsedStack('prod');
  const { namespace } = prod;
  let values: ReadonlyMap<SecretKey, string>;
  const said: string[] = [];

  before(async function () {
    if (!canRehearse) this.skip();
    prod.commit('readers', readers);
    await prod.start();
    values = new Map([...(await prod.values())].filter(([, value]) => value.length >= 16));
  });
  after(async () => {
    if (canRehearse) await prod.end();
    else prod.checkout.remove();
  });

  async function access(): Promise<Report & { readonly code: number }> {
    const words = ['run', '-s', 'access', '--', '--stack', 'prod', '--format', 'json'];
    const { code, stdout, stderr } = await prod.run('npm', words);
    said.push(stdout, stderr);
    assert.equal(stderr, '');
    return { code, ...(JSON.parse(stdout) as Report) };
  }

  function causeOf({ differences }: Report, who: string, way: string): string | undefined {
    return differences.find((row: Row) => row.who === who && row.ways.includes(way))?.cause;
  }

  it('is as the settings say, whoever may read being listed with the reason', async () => {
    const report = await access();
    assert.deepEqual(report.differences, []);
    assert.deepEqual(report.unasked, []);
    assert.equal(report.code, 0);
    const reasons = new Set(report.readers.map(({ expected }) => expected));
    const all = ['readers.trading', 'readers.monitoring', 'brings the Secrets', 'administrators'];
    for (const reason of [...all, 'a part of Kubernetes', "the operator's role"]) {
      assert.ok(reasons.has(reason), `${reason} of ${[...reasons].join()}`);
    }
    const { at: _, code, ...again } = await access();
    const { at: __, code: first, ...before } = report;
    assert.deepEqual([again, code], [before, first]);
  });

  it('has each right too many found, with its cause', async () => {
    await grant(prod, 'lister', core('list', 'secrets'));
    await grant(prod, 'pod-maker', core('create', 'pods'));
    await grant(prod, 'shell', core('create', 'pods/exec'));
    await grant(prod, 'token-maker', core('create', 'serviceaccounts/token'));
    await grant(prod, 'everything', everything, true);
    const role = await wideRole(prod);
    const report = await access();
    assert.equal(report.code, 1);
    const found = (who: string, way: string) => causeOf(report, `User:${who}`, way);
    assert.match(found('lister', 'list') ?? '', /^RoleBinding hummingbot\/lister of ClusterRole/u);
    assert.match(found('pod-maker', 'create pods') ?? '', /RoleBinding hummingbot\/pod-maker/u);
    assert.match(found('shell', 'exec into pods') ?? '', /create pods\/exec$/u);
    const token = 'get tokens of ServiceAccount:hummingbot/hummingbot-secrets-reader';
    assert.match(found('token-maker', token) ?? '', /create serviceaccounts\/token$/u);
    assert.match(found('everything', 'get') ?? '', /^ClusterRoleBinding everything .*verb \*$/u);
    const stopped = 'GetSecretValue, which the resource policy alone denies';
    assert.match(causeOf(report, role, stopped) ?? '', /^inline policy all, statement Wide/u);

    await prod
      .secretsManager()
      .send(new PutResourcePolicyCommand({ SecretId: trading, ResourcePolicy: openTo(role) }));
    const loose = await access();
    assert.match(
      causeOf(loose, 'whoever of the account IAM lets read', 'GetSecretValue') ?? '',
      /^resource policy of hummingbot\/trading: no statement denies/u,
    );
    assert.match(causeOf(loose, role, 'GetSecretValue') ?? '', /statement (?:Open|Wide)/u);
    const people = ['lister', 'pod-maker', 'shell', 'token-maker', 'everything'];
    const expected = new Set([
      ...people.map((name) => `User:${name}`),
      ...[role, 'whoever of the account IAM lets read'],
    ]);
    assert.deepEqual(new Set(loose.differences.map(({ who }) => who)), expected);
  });

  it('has reads by six identities in the audit, expected or not, within 10 s', async () => {
    const monitoring = 'hummingbot-monitoring';
    const { items } = await prod.access.core.listNamespacedSecret({ namespace });
    const names = items.map(({ metadata }) => metadata?.name ?? '');
    const own = names.find((name) => name.startsWith('hummingbot-trading-keys-')) ?? '';
    await makeAccount(prod, 'watch', 'alertmanager');
    await makeAccount(prod, 'spies', 'spy', 'everything');
    const since = new Date(Date.now() - 1000).toISOString();
    const start = performance.now();
    const reads: readonly (readonly [string, string, string, number])[] = [
      ['watch', 'alertmanager', monitoring, 0],
      ['watch', 'alertmanager', own, 1],
      ['external-secrets', 'external-secrets', own, 0],
      ['spies', 'spy', own, 0],
      ['spies', 'default', own, 1],
    ];
    for (const [at, name, secret, code] of reads) {
      const done = await asAccount(prod, at, name, 'get', 'secret', secret, '-o', 'name');
      assert.equal(done.code, code, `${at}/${name} ${secret}`);
    }
    assert.equal((await prod.kubectl('get', 'secret', own, '-o', 'name')).code, 0);
    const log = join(prod.folder, 'logs', 'audit.log');
    const words = ['run', '-s', 'audit', '--', '--stack', 'prod', '--since', since];
    const options = ['--format', 'json', '--kubernetes-log', log];
    let rows = new Map<string, string | null>();
    const seen = await eventually(seenSeconds, async () => {
      const { code, stdout, stderr } = await prod.run('npm', [...words, ...options]);
      said.push(stdout, stderr);
      assert.equal(code, 1, stderr);
      const { events } = JSON.parse(stdout) as AuditReport;
      rows = new Map(
        events
          .filter(({ verb }) => verb === 'get')
          .map((row) => [`${row.who} ${row.what} ${row.outcome}`, row.expected]),
      );
      return rows.has(`User:deployer ${own} done`);
    });
    assert.ok(seen && performance.now() - start < seenSeconds * 1000 + 10_000);
    const spy = 'ServiceAccount:spies';
    for (const [row, expected] of [
      [`ServiceAccount:watch/alertmanager ${monitoring} done`, 'readers.monitoring'],
      [`ServiceAccount:watch/alertmanager ${own} refused`, null],
      [`ServiceAccount:external-secrets/external-secrets ${own} done`, 'brings the Secrets'],
      [`${spy}/spy ${own} done`, null],
      [`${spy}/default ${own} refused`, null],
      [`User:deployer ${own} done`, 'administrators'],
    ] as const) {
      assert.equal(rows.get(row), expected, `${row} of ${[...rows.keys()].join('; ')}`);
    }
    // The whole life of the stack: what its own parts did is expected.
    const all = await prod.run('npm', ['run', '-s', 'audit', '--', '--stack', 'prod', ...options]);
    said.push(all.stdout, all.stderr);
    const { events } = JSON.parse(all.stdout) as AuditReport;
    const strange = new Set(
      events.filter(({ expected }) => expected === null).map(({ who }) => who),
    );
    assert.deepEqual(
      strange,
      new Set(['ServiceAccount:watch/alertmanager', `${spy}/spy`, `${spy}/default`]),
    );
    assert.ok(events.some(({ who, expected }) => who.startsWith('User:system:node:') && expected));
  });

  it('counts the verbs that are answered with a whole Secret, and update is none of them', async () => {
    const api = await KubernetesApi.connect(prod.cluster.kubeconfig);
    const all = `/api/v1/namespaces/${namespace}/secrets`;
    const one = `${all}/hummingbot-monitoring`;
    const query = { dryRun: 'All' };
    const contentType = 'application/merge-patch+json';
    const foreground = { ...query, propagationPolicy: 'Foreground' };
    const replaced = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'hummingbot-monitoring' },
    };
    const answers: Readonly<Record<string, () => Promise<unknown>>> = {
      get: async () => await api.get(one),
      list: async () => await api.list(all),
      patch: async () => await api.send('PATCH', one, { body: {}, contentType, query }),
      delete: async () => await api.send('DELETE', one, { query: foreground }),
      deletecollection: async () => await api.send('DELETE', all, { query }),
      update: async () => await api.send('PUT', one, { body: replaced, query }),
    };
    const telling: string[] = [];
    for (const [verb, ask] of Object.entries(answers)) {
      if (leaks(JSON.stringify(await ask()), values).length > 0) telling.push(verb);
    }
    // A watch is a list that goes on.
    assert.deepEqual(
      telling,
      reading.filter((verb) => verb !== 'watch'),
    );
  });

  it('leaves no value in what the commands say, nor in a log', () => {
    assert.ok(values.size > 5 && said.length > 6);
    assert.deepEqual(leaks(said.join('\n'), values), []);
    for (const [name, content] of prod.logs()) {
      assert.deepEqual(leaks(content.toString('utf8'), values), [], name);
    }
  });
});
