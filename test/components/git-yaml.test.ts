/** That Kustomize reads the same is asked in test/e2e/sops.e2e.ts. */
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { gitYaml, kustomization } from '../../components/git-yaml.ts';
import { ambiguousNames } from '../ambiguous-names.ts';

describe('YAML for git', () => {
  for (const version of ['1.1', '1.2'] as const) {
    it(`is read back as it was by YAML ${version}, whatever a name looks like`, () => {
      const document = {
        names: ambiguousNames,
        byName: Object.fromEntries(ambiguousNames.map((name) => [`x-${name}`, name])),
        text: 'def f():\n  return "on"\n',
        number: 288,
        flag: false,
      };
      assert.deepEqual(parse(gitYaml(document), { version }), document);
    });
  }

  it('repeats what is there twice, without anchors', () => {
    const labels = { app: 'x' };
    assert.doesNotMatch(gitYaml({ labels, selector: labels }), /[&*]a/u);
  });

  it('says in its first line who wrote it', () => {
    assert.match(kustomization({ resources: ['a.yaml'] }), /^# Written by npm start /u);
  });
});
