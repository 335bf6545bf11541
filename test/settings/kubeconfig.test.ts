import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseKubeconfig, readKubeconfig } from '../../settings/kubeconfig.ts';

const text = `
current-context: one
contexts:
  - name: one
    context: { cluster: c1, user: u1, namespace: elsewhere }
  - name: two
    context: { cluster: c2, user: u2 }
clusters:
  - name: c1
    cluster: { server: "https://one.invalid", certificate-authority: pki/ca.crt }
  - name: c2
    cluster: { server: "https://two.invalid", certificate-authority: /etc/ca.crt }
users:
  - name: u1
    user: { client-certificate: me.crt, client-key: me.key, tokenFile: t }
  - name: u2
    user:
      token: of-two
      exec: { command: ./bin/login, apiVersion: client.authentication.k8s.io/v1 }
`;

describe('the kubeconfig', () => {
  const file = parseKubeconfig('/home/me/config', [{ file: '/home/me/config', text }]);

  it('is reduced to one context, without the credential of another', () => {
    const reduced = parse(file.reduced('one') ?? '');
    assert.deepEqual(reduced, {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'one',
      contexts: [{ name: 'one', context: { cluster: 'c1', user: 'u1' } }],
      clusters: [
        {
          name: 'c1',
          cluster: {
            server: 'https://one.invalid',
            'certificate-authority': '/home/me/pki/ca.crt',
          },
        },
      ],
      users: [
        {
          name: 'u1',
          user: {
            'client-certificate': '/home/me/me.crt',
            'client-key': '/home/me/me.key',
            tokenFile: '/home/me/t',
          },
        },
      ],
    });
  });

  it('keeps absolute paths, and finds a credential plugin where it stood', () => {
    const reduced = parse(file.reduced('two') ?? '');
    assert.equal(reduced.clusters[0].cluster['certificate-authority'], '/etc/ca.crt');
    assert.equal(reduced.users[0].user.exec.command, '/home/me/bin/login');
  });

  it('names its contexts, and has no other', () => {
    assert.deepEqual(file.contexts, ['one', 'two']);
    assert.equal(file.reduced('three'), undefined);
  });

  it('is merged of several files, first come first served', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    try {
      const [a, b] = [join(directory, 'a'), join(directory, 'b')];
      writeFileSync(a, 'contexts: [{ name: one, context: { cluster: c2, user: u2 } }]\n');
      writeFileSync(b, text);
      const merged = await readKubeconfig({ KUBECONFIG: `${a}::${b}:${directory}/none` });
      assert.deepEqual(merged.contexts, ['one', 'two']);
      assert.equal(parse(merged.reduced('one') ?? '').clusters[0].name, 'c2');
      const home = await readKubeconfig({ HOME: directory });
      assert.equal(home.problem, 'a file that cannot be read');
      assert.equal(home.path, join(directory, '.kube', 'config'));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('that is not one gives a problem and no crash', () => {
    for (const broken of ['a: [', '- list', '7', '']) {
      const { problem } = parseKubeconfig('f', [{ file: 'f', text: broken }]);
      assert.equal(problem, 'a file that is not YAML', broken);
    }
    for (const odd of ['contexts: 7', 'contexts: [7, {name: 1}]', 'contexts: [{ name: x }]']) {
      const parsed = parseKubeconfig('f', [{ file: 'f', text: odd }]);
      assert.equal(parsed.problem, undefined);
      assert.equal(parsed.reduced('x'), undefined);
    }
  });
});
