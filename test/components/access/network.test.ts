/** What is asked of the network plugin; whether it enforces policies is the cluster's own matter. */
import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { exchangePorts } from '../../../components/access/network.ts';
import { canaryValues } from '../../canary-values.ts';
import { ids, type Run, runProgram } from '../../program-run.ts';
import { Recorder } from '../../recorder.ts';

const type = 'kubernetes:networking.k8s.io/v1:NetworkPolicy';

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
  readonly podSelector?: object;
  readonly namespaceSelector?: object;
}
interface Rule {
  readonly to: readonly Peer[];
  readonly ports: readonly { readonly protocol: string; readonly port: number }[];
}
interface Spec {
  readonly podSelector: object;
  readonly policyTypes: readonly string[];
  readonly egress?: readonly Rule[];
  readonly ingress?: readonly unknown[];
}

function spec(run: Run, name: string): Spec {
  return run.recorder.one(type, name).inputs.spec as Spec;
}

describe('the network policies', () => {
  let run: Run;
  before(async () => {
    run = await runProgram('prod', false, canaryValues());
  });

  it('deny both ways for every pod of the namespace', () => {
    assert.equal(run.recorder.of(type).length, 2);
    assert.deepEqual(spec(run, 'namespace-network-default-deny'), {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  it('let the bot ask for names, talk to its exchanges and to Gateway, and let nobody in', () => {
    const {
      egress = [],
      ingress,
      podSelector,
      policyTypes,
    } = spec(run, 'namespace-network-hummingbot');
    assert.deepEqual(podSelector, { matchLabels: { 'app.kubernetes.io/name': 'hummingbot' } });
    assert.deepEqual(policyTypes, ['Egress']);
    assert.equal(ingress, undefined);
    const [names, exchanges, gateway, ...more] = egress;
    assert.deepEqual(more, []);
    assert.deepEqual(names, {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
          podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        },
      ],
      ports: [
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ],
    });
    assert.deepEqual(exchanges?.ports, [
      { protocol: 'TCP', port: 443 },
      { protocol: 'TCP', port: 9443 },
    ]);
    assert.deepEqual(gateway, {
      to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } } }],
      ports: [{ protocol: 'TCP', port: 15888 }],
    });
  });

  it('keep the bot from private, shared, link-local and metadata addresses', () => {
    const [, rule] = spec(run, 'namespace-network-hummingbot').egress ?? [];
    const except = new BlockList();
    const allowed = new BlockList();
    for (const { ipBlock } of rule?.to ?? []) {
      assert.ok(ipBlock !== undefined);
      const family = ipBlock.cidr.includes(':') ? 'ipv6' : 'ipv4';
      const add = (list: BlockList, cidr: string) => {
        const [address = '', bits] = cidr.split('/');
        list.addSubnet(address, Number(bits), family);
      };
      add(allowed, ipBlock.cidr);
      for (const cidr of ipBlock.except) add(except, cidr);
    }
    const reaches = (address: string): boolean => {
      const family = address.includes(':') ? 'ipv6' : 'ipv4';
      return allowed.check(address, family) && !except.check(address, family);
    };
    for (const address of [
      '10.0.0.1',
      '10.255.255.254',
      '172.16.0.1',
      '172.31.255.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '100.100.100.200',
      '168.63.129.16',
      '127.0.0.1',
      'fd00:ec2::254',
      'fe80::1',
    ])
      assert.equal(reaches(address), false, address);
    for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:4860:4860::8888'])
      assert.equal(reaches(address), true, address);
  });

  it('open a port only for an exchange, and Gateway only where it is listed', async () => {
    assert.deepEqual(exchangePorts(['kraken', 'kucoin']), [443]);
    assert.deepEqual(exchangePorts(['kraken', 'binance']), [443, 9443]);
    assert.deepEqual(exchangePorts([]), []);
    const settings = { ...ids, exchanges: [], services: ['slack'] };
    const bare = await runProgram('prod', false, canaryValues(), new Recorder(), settings);
    assert.equal(spec(bare, 'namespace-network-hummingbot').egress?.length, 1);
  });
});
