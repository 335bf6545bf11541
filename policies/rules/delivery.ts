/** How values come into the cluster and into git. */
import type { Rule } from '../rule.ts';
import { at, differs, fieldsAt, isFields, listAt, unknown } from '../sight/fields.ts';
import { objectsOf, objectsOfKind } from '../sight/objects.ts';
import { documentsOf } from '../sight/yaml.ts';

const served = 'external-secrets.io/v1';

export const pinnedSync: Rule = {
  name: 'pinned-sync',
  what: 'An ExternalSecret names keys and versions, reads a store of its namespace, and never deletes',
  why: 'unpinned, an old or a foreign version could be taken for the new one; a template may leak',
  practice: 'readers',
  severity: 'high',
  allowed: `${served}; kind SecretStore; remoteRef.property; remoteRef.version where it is immutable; Retain`,
  fix: 'take the objects from delivery/external-secret.ts',
  *judge(resource) {
    const all = objectsOf(resource);
    for (const { kind, fields } of all) {
      if (kind === 'ClusterSecretStore' || kind === 'ClusterExternalSecret')
        yield { at: kind, got: 'a store of every namespace' };
      if (kind !== 'ExternalSecret' && kind !== 'SecretStore') continue;
      if (differs(fields.apiVersion, served))
        yield { at: kind, got: 'an apiVersion that is not served' };
    }
    for (const { kind, fields } of objectsOfKind(resource, 'SecretStore')) {
      const provider = JSON.stringify(at(fields, 'spec', 'provider')) ?? '';
      if (/"serviceAccountRef":\{[^}]*"namespace"/u.test(provider))
        yield { at: `${kind}, provider`, got: 'a service account of another namespace' };
    }
    for (const { kind, fields } of objectsOfKind(resource, 'ExternalSecret')) {
      const spec = fieldsAt(fields, 'spec');
      const target = fieldsAt(spec, 'target');
      if (differs(at(spec, 'secretStoreRef', 'kind'), 'SecretStore'))
        yield { at: `${kind}, secretStoreRef`, got: 'a kind that is not SecretStore' };
      if (listAt(spec, 'dataFrom').length > 0)
        yield { at: kind, got: 'dataFrom, which takes what is there' };
      if (differs(target.template, undefined)) yield { at: kind, got: 'a template' };
      if (differs(target.deletionPolicy, 'Retain'))
        yield { at: kind, got: 'a deletionPolicy that is not Retain' };
      if (differs(target.creationPolicy, 'Owner'))
        yield { at: kind, got: 'a creationPolicy that is not Owner' };
      const fixed = target.immutable !== true;
      const known = target.immutable !== unknown && spec.refreshPolicy !== unknown;
      if (known && fixed !== (spec.refreshPolicy === 'Periodic'))
        yield { at: kind, got: 'a refreshPolicy that does not suit whether it is immutable' };
      const data = listAt(spec, 'data');
      const bare = data.filter((each) => at(each, 'remoteRef', 'property') === undefined).length;
      if (bare > 0) yield { at: `${kind}, data`, got: `${bare} without property` };
      const unpinned = data.filter((each) => at(each, 'remoteRef', 'version') === undefined).length;
      if (!fixed && unpinned > 0) yield { at: `${kind}, data`, got: `${unpinned} without version` };
    }
  },
};

/** Two bytes of a length, a key of 2048 bits or more, and the ciphertext, in base64. */
const ciphertext = /^[A-Za-z0-9+/]{338,}={0,2}$/u;

export const strictSeal: Rule = {
  name: 'strict-seal',
  what: 'A SealedSecret is of strict scope, and all of it is sealed',
  why: 'in a wider scope whoever may make a SealedSecret opens it under another name, and reads it',
  practice: 'gitops',
  severity: 'critical',
  allowed: 'no annotation of a wider scope, ciphertexts in encryptedData, no data in the template',
  fix: 'take the object from delivery/sealed-secret.ts',
  *judge(resource) {
    for (const { kind, fields } of objectsOfKind(resource, 'SealedSecret')) {
      const template = at(fields, 'spec', 'template');
      const notes = [
        ...Object.keys(fieldsAt(fields, 'metadata', 'annotations')),
        ...Object.keys(fieldsAt(template, 'metadata', 'annotations')),
      ];
      if (notes.some((each) => each.endsWith('-wide'))) yield { at: kind, got: 'a wider scope' };
      if (at(template, 'data') !== undefined || at(template, 'stringData') !== undefined)
        yield { at: `${kind}, template`, got: 'something that is not sealed' };
      const sealed = at(fields, 'spec', 'encryptedData');
      if (sealed === unknown) continue;
      const texts = Object.values(fieldsAt([sealed], 0)).filter((each) => each !== unknown);
      if (texts.length === 0 && !isFields(sealed))
        yield { at: kind, got: 'nothing that is sealed' };
      const open = texts.filter((each) => !ciphertext.test(String(each))).length;
      if (open > 0) yield { at: `${kind}, encryptedData`, got: `${open} that are no ciphertext` };
    }
  },
};

const encryptedRegex = '^(data|stringData)$';

export const sealedInGit: Rule = {
  name: 'sealed-in-git',
  what: 'What goes to git is encrypted: data and stringData, for somebody, and no Secret in the open',
  why: 'git keeps a value for ever; an encrypted name or kind could not be reviewed',
  practice: 'gitops',
  severity: 'critical',
  allowed: `encrypted_regex ${encryptedRegex}, recipients, and no kind Secret in a file for git`,
  fix: 'deliver by sops or sealed-secrets',
  *judge(resource) {
    const { type, props } = resource;
    for (const { kind, inGit } of objectsOfKind(resource, 'Secret')) {
      if (inGit) yield { at: `${kind} in a file`, got: 'what nobody has encrypted' };
    }
    if (type === 'hummingbot:index:SopsDocument') {
      if (props.recipients !== unknown && listAt(props, 'recipients').length === 0)
        yield { at: 'recipients', got: 'nobody' };
      const manifest = parsedJson(props.manifest);
      if (manifest !== undefined && at(manifest, 'kind') !== 'Secret')
        yield { at: 'manifest', got: 'a kind whose values would not be encrypted' };
    }
    if (type !== 'hummingbot:index:GitFile' || !String(props.path).endsWith('/.sops.yaml')) return;
    for (const [index, rule] of documentsOf(props.content)
      .flatMap((each) => listAt(each, 'creation_rules'))
      .entries()) {
      const where = `creation_rules[${index}]`;
      if (at(rule, 'encrypted_regex') !== encryptedRegex)
        yield { at: where, got: 'another encrypted_regex' };
      if (at(rule, 'age') === undefined && at(rule, 'kms') === undefined)
        yield { at: where, got: 'nobody who could decrypt' };
      if (at(rule, 'path_regex') === undefined) yield { at: where, got: 'no path_regex' };
    }
  },
};

function parsedJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The least that a group, and nobody else, can do with a file. */
const modes = ['0400', '0600'];

export const closedFiles: Rule = {
  name: 'closed-files',
  what: 'A file that is written is for its owner alone',
  why: 'every user and every service of the machine could read the keys',
  practice: 'readers',
  severity: 'critical',
  allowed: `mode ${modes.join(' or ')}`,
  fix: 'set the mode',
  *judge({ type, props }) {
    if (type !== 'hummingbot:index:File') return;
    const { mode = '0400' } = props;
    const text = String(mode);
    if (differs(mode, ...modes))
      yield { at: 'mode', got: /^[0-7]{3,4}$/u.test(text) ? text : 'another one' };
  },
};
