/** The pipeline is the folder tree: data flows one way. Lint forbids cycles; this, going back. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { targetNames } from '../components/delivery/targets.ts';

const folders = ['components', 'settings', 'plugins', 'policies', 'operations', 'rehearsal'];
const sources = [
  'index.ts',
  'settings.ts',
  ...folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(folder, path)),
  ),
];

function importsOf(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/from '(\.[^']+)'/gu)].map(([, target]) =>
    join(dirname(path), target ?? ''),
  );
}

/** What a stage may import from, beside itself. */
const allowed: readonly (readonly [RegExp, RegExp])[] = [
  [/^components\/(?:catalog|shape)\.ts$/, /^components\/(?:catalog|shape)\.ts$/],
  [/^components\/values\.ts$/, /^components\/(?:catalog|shape)\.ts$/],
  [/^components\/(?:systems|labels|strategy)\.ts$/, /^components\/(?:catalog|kinds)\.ts$/],
  [/^components\/(?:kinds|live-kinds)\.ts$/, /^components\/kinds\.ts$/],
  [/^components\/(?:git-yaml|outside)\.ts$/, /^$/],
  [
    /^components\/certificate\.ts$/,
    /^(?:components\/systems\.ts|plugins\/hummingbot\/sealing-resources\.ts|settings\/mistake\.ts)/,
  ],
  [
    /^components\/manifests\.ts$/,
    /^(?:components\/(?:kinds|git-yaml)\.ts|plugins\/hummingbot\/git-resources\.ts)/,
  ],
  // An operator's own access is a part of the way that it carries.
  [
    /^components\/delivery\//,
    /^(?:components\/(?:catalog|values|systems|labels|live-kinds|git-yaml|outside)\.ts|components\/(?:delivery|access)\/|plugins\/hummingbot\/(?:resources|git-resources|sealing-resources|sops-rules|get-vault)\.ts)/,
  ],
  [
    /^components\/access\//,
    /^(?:components\/(?:catalog|systems|labels|kinds)\.ts|components\/access\/|components\/delivery\/(?:delivery|aws-rules)\.ts)/,
  ],
  [
    /^components\/consumers\//,
    /^(?:components\/(?:catalog|shape|strategy|systems|labels|outside)\.ts|components\/delivery\/delivery\.ts|components\/consumers\/|plugins\/hummingbot\/resources\.ts)/,
  ],
  [
    /^components\/in-namespace\.ts$/,
    /^components\/(?:(?:access|consumers)\/|(?:systems|manifests|live-kinds)\.ts)/,
  ],
  [
    /^components\/guards\.ts$/,
    /^(?:components\/(?:systems|certificate)\.ts|plugins\/hummingbot\/(?:resources|git-resources|get-deleted-secrets|get-swarm|get-vault)\.ts|settings\/mistake\.ts)/,
  ],
  [
    /^settings(?:\/.*)?\.ts$/,
    /^(?:settings\/|components\/(?:catalog|outside|shape|strategy|systems|values)\.ts|components\/delivery\/targets\.ts)/,
  ],
  [/^plugins\//, /^(?:plugins\/|engine-watch\.cjs)/],
  // A judge asks nobody whom it judges, but for the names that all agree on.
  [/^policies\//, /^(?:policies\/|components\/catalog\.ts)/],
  [
    /^operations\/engine\//,
    /^(?:operations\/engine\/|settings\/(?:mistake|plaintext|stack-file|stack-name)\.ts|plugins\/(?:docker-api|resource-handler|hummingbot\/swarm)\.ts)/,
  ],
  [
    /^operations\/import\//,
    /^(?:operations\/(?:import\/|engine\/command-error\.ts)|components\/catalog\.ts|settings\/mistake\.ts)/,
  ],
  [
    /^operations\/rotation\//,
    /^(?:operations\/(?:rotation|doctor|engine|import)\/|components\/(?:catalog|labels|shape|values|delivery\/targets)\.ts|settings\/(?:kubeconfig|made-from|mistake|rotation)\.ts|plugins\/(?:docker-api|kubernetes-api|resource-handler|vault-api|hummingbot\/(?:pod-trouble|convergence-progress|swarm))\.ts)/,
  ],
  // Whoever judges a stack asks the code that made it what is right, and where it is.
  [
    /^operations\/doctor\//,
    /^(?:operations\/(?:doctor|engine)\/|operations\/rotation\/(?:files|journal|last-entry|ledger)\.ts|settings(?:\.ts$|\/)|components\/(?:catalog|shape|values|labels)\.ts|components\/delivery\/(?:delivery|targets)\.ts|plugins\/(?:docker-api|kubernetes-api|resource-handler|hummingbot\/pod-trouble)\.ts)/,
  ],
  [/^operations\/leaks\//, /^(?:operations\/(?:leaks|engine)\/|components\/(?:catalog|shape)\.ts)/],
  [/^operations\/supply\//, /^operations\/supply\//],
  [/^operations\/doctor\.ts$/, /^operations\/(?:doctor|engine)\//],
  // Asks the systems themselves, by the doctor's ways to them.
  [
    /^operations\/census\//,
    /^(?:operations\/(?:census|doctor|engine)\/|settings(?:\.ts$|\/mistake\.ts$)|components\/(?:catalog|values|labels|systems)\.ts|components\/delivery\/(?:delivery|targets)\.ts|plugins\/(?:docker-api|kubernetes-api|vault-api|resource-handler)\.ts)/,
  ],
  [
    /^operations\/inventory\//,
    /^(?:operations\/(?:inventory|census|doctor|engine)\/|operations\/rotation\/ledger\.ts|components\/catalog\.ts|settings\/mistake\.ts)/,
  ],
  [/^operations\/drift\//, /^(?:operations\/(?:drift|census)\/|settings\/mistake\.ts)/],
  [
    /^operations\/(?:inventory|drift)\.ts$/,
    /^operations\/(?:inventory|drift|census|doctor|engine|rotation)\//,
  ],
  // Who may read is asked of the code that gives the rights, and of the systems that have them.
  [
    /^operations\/access\//,
    /^(?:operations\/(?:access|engine)\/|operations\/doctor\/swarm\.ts|settings\/|components\/(?:catalog|systems|access\/(?:iam|rbac)|delivery\/(?:aws-rules|targets))\.ts|plugins\/(?:docker-api|kubernetes-api|resource-handler|vault-api)\.ts)/,
  ],
  [
    /^operations\/audit\//,
    /^(?:operations\/(?:audit|access|engine)\/|components\/(?:catalog|systems|access\/rbac|delivery\/aws-rules)\.ts)/,
  ],
  [/^operations\/access\.ts$/, /^operations\/(?:access|engine)\//],
  [/^operations\/audit\.ts$/, /^operations\/(?:audit|access|engine)\//],
  [
    /^operations\/(?:rehearse|tools)\.ts$/,
    /^(?:operations\/engine\/|components\/(?:catalog|shape)\.ts|settings\/mistake\.ts|rehearsal\/)/,
  ],
  [
    /^operations\/[^/]+\.ts$/,
    /^(?:operations\/(?:engine|import|leaks|rotation|supply)\/|components\/(?:catalog|shape)\.ts|settings\/(?:mistake|plaintext|stack-file|stack-name)\.ts)/,
  ],
  [
    /^rehearsal\/[^/]+\.ts$/,
    /^(?:rehearsal\/|operations\/engine\/|components\/(?:catalog|shape)\.ts)/,
  ],
  [
    /^rehearsal\//,
    /^(?:rehearsal\/|plugins\/(?:provider-server|docker-api|kubernetes-api|vault-api)\.ts|operations\/engine\/)/,
  ],
];

/**
 * Where the same words name something else: Pulumi's providers, tools, servers, a store's own command,
 * an auth method of Vault's and whom its tokens are for.
 */
const otherWords =
  /^(?:(?:components\/delivery|rehearsal|operations\/engine)\/|(?:operations\/(?:restore|tools)|components\/guards|components\/access\/vault|plugins\/hummingbot\/sops|settings\/systems)\.ts$)/u;

/** A string literal that is the name and nothing else. */
function literalOf(name: string): RegExp {
  return new RegExp(`(['"\`])${name}\\1`, 'u');
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gmu, '');
}

describe('the structure', () => {
  for (const path of sources.filter((each) => each !== 'index.ts')) {
    it(`${path} imports only what stands before it`, () => {
      const rule = allowed.find(([stage]) => stage.test(path));
      assert.ok(rule !== undefined, 'no rule for this file');
      for (const target of importsOf(path)) assert.match(target, rule[1]);
    });
  }

  it('leaves the evaluator of policies, whose licence is another, to the tests', () => {
    const imports = (path: string): boolean =>
      readFileSync(path, 'utf8').includes("from '@cloud-copilot/");
    assert.deepEqual(sources.filter(imports), []);
    assert.ok(imports('test/aws-authority.ts'));
  });

  it('has files of a size that one reads', () => {
    for (const path of sources) {
      const lines = readFileSync(path, 'utf8').split('\n');
      assert.ok(lines.length <= 500, `${path}: ${lines.length} lines`);
    }
  });

  describe('names a target nowhere but in its file and in the list:', () => {
    for (const target of targetNames) {
      it(target, () => {
        for (const path of sources.filter((each) => !otherWords.test(each))) {
          const text = withoutComments(readFileSync(path, 'utf8'));
          assert.doesNotMatch(text, literalOf(target), path);
        }
      });
    }

    it('(the search finds a name in quotes of any kind, and no ordinary word)', () => {
      for (const target of targetNames) {
        for (const quote of ["'", '"', '`']) {
          assert.match(`x === ${quote}${target}${quote}`, literalOf(target));
        }
        assert.match(`{ ${`'${target}'`}: x }`, literalOf(target));
        for (const other of [`'${target}.yaml'`, `'docker ${target} up'`, `\`${target}-x\``]) {
          assert.doesNotMatch(other, literalOf(target));
        }
        assert.doesNotMatch(
          withoutComments(`// '${target}'\n/* '${target}' */`),
          literalOf(target),
        );
      }
    });
  });
});
