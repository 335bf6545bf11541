/** That the engine then changes one file, and removes none, is proven by test/e2e. */
import assert from 'node:assert/strict';
import { canaryValues } from '../../canary-values.ts';
import { ids, type Run, runProgram } from '../../program-run.ts';
import { mocked, Recorder } from '../../recorder.ts';

const type = 'hummingbot:index:GitFile';
const sealed = {
  targets: ['sealed-secrets'],
  certificateFingerprint: mocked.fingerprint,
  sealedInto: 'git',
  certificate: 'prod.pem',
  image: ids.image,
};
const encrypted = {
  targets: ['sops'],
  recipients: ['age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'],
  image: ids.image,
};

describe('the list that a folder for git is built by', () => {
  const run = async (settings: object): Promise<Run> =>
    await runProgram('prod', false, canaryValues(), new Recorder(), { ...settings });

  /** What it is, and what it may have been. */
  const listOf = ({ recorder }: Run) => {
    const lists = recorder
      .of(type)
      .filter(({ inputs }) => inputs.path === 'prod/kustomization.yaml');
    assert.equal(lists.length, 1);
    const name = lists[0]?.name ?? '';
    const { parent, aliases } = recorder.one(type, name).options;
    return { is: `${parent} ${name}`, aliases };
  };

  it('is one resource, whichever target writes it: a move changes it and removes nothing', async () => {
    const [one, other] = [listOf(await run(sealed)), listOf(await run(encrypted))];
    assert.notEqual(one.is, other.is);
    assert.deepEqual(one.aliases, [other.is]);
    assert.deepEqual(other.aliases, [one.is]);
  });

  it('is the only file of the same path in both', async () => {
    const [one, other] = [await run(sealed), await run(encrypted)].map(({ recorder }) =>
      recorder.registrations
        .filter(({ inputs }) => typeof inputs.path === 'string')
        .filter(({ inputs }) => !String(inputs.path).startsWith('prod/manifests/'))
        .map(({ inputs }) => String(inputs.path)),
    );
    assert.deepEqual(
      one?.filter((path) => other?.includes(path)),
      ['prod/kustomization.yaml'],
    );
  });
});
