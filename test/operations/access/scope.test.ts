import assert from 'node:assert/strict';
import { operatorsOf } from '../../../operations/access/review.ts';
import { asTyped, readScope } from '../../../operations/access/scope.ts';
import { CommandError } from '../../../operations/engine/command-error.ts';

describe('what a review asks about', () => {
  it('is what the settings of the stack say, with what Pulumi fills in', async () => {
    const scope = await readScope('dev', false);
    assert.equal(scope.namespace, 'hummingbot');
    assert.ok(scope.groups.includes('trading') && scope.keys.length > 3);
    assert.match(scope.directory, /\/out\/dev$/);
    assert.deepEqual(
      [scope.aws, scope.cluster, scope.kubeconfig],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(scope.administrators, { subjects: [], principals: [] });
  });

  it('takes a flag that Pulumi wrote as text', () => {
    assert.deepEqual(asTyped({ protect: 'true', handOver: 'false', namespace: 'true-x' }), {
      protect: true,
      handOver: false,
      namespace: 'true-x',
    });
  });

  it('needs a stack that is there, in one line', async () => {
    for (const name of ['nope', '../x', '']) {
      await assert.rejects(
        async () => await readScope(name),
        (error: Error) =>
          error instanceof CommandError &&
          /^stack[^\n]*: got [^\n]+; allowed: [^\n]+; fix: [^\n]+$/.test(error.message),
      );
    }
  });

  it('knows who brings the Secrets: the operator, a controller, or Pulumi alone', () => {
    const cluster = { uid: 'u', context: 'c', operator: { namespace: 'eso', name: 'controller' } };
    const account = (namespace: string, name: string) => [
      { kind: 'ServiceAccount', namespace, name },
    ];
    const of = (targets: Parameters<typeof operatorsOf>[0]['targets'], certificate?: string) =>
      operatorsOf({
        cluster,
        targets,
        sealing: certificate === undefined ? undefined : { certificate, fingerprint: '' },
      });
    assert.deepEqual(of(['aws-secrets-manager']), account('eso', 'controller'));
    assert.deepEqual(of(['kubernetes']), []);
    assert.deepEqual(
      of(['sealed-secrets'], 'controller'),
      account('kube-system', 'sealed-secrets-controller'),
    );
    assert.deepEqual(of(['sealed-secrets'], 'controller:seal/it'), account('seal', 'it'));
  });
});
