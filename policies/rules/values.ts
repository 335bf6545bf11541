/** No value anywhere but where it is delivered to. */
import { environmentName, secretKeys } from '../../components/catalog.ts';
import type { Context } from '../context.ts';
import type { Resource } from '../resource.ts';
import type { Finding, Rule, StackFinding } from '../rule.ts';
import { containersOf } from '../sight/containers.ts';
import { openTextsOf, type Place } from '../sight/open-leaves.ts';

const got = 'a value of the stack';

/** The place is all that a finding says: a name or a key may be the value itself. */
function* held(resource: Resource, { values }: Context, place: Place): Generator<Finding> {
  let count = 0;
  for (const found of openTextsOf(resource)) {
    if (found.place === place && values.heldBy(found.text)) count++;
  }
  if (count > 0) yield { at: `${place}, ${count === 1 ? 'one place' : `${count} places`}`, got };
}

function nowhereIn(place: Place, rule: Omit<Rule, 'judge' | 'judgeStack' | 'severity'>): Rule {
  return {
    ...rule,
    severity: 'critical',
    judge: (resource, context) => held(resource, context, place),
    // A value may be seen after the place that it stands in.
    *judgeStack(resources, context): Generator<StackFinding> {
      for (const resource of resources) {
        for (const finding of held(resource, context, place)) yield { ...finding, resource };
      }
    },
  };
}

const byReference =
  'a reference to where the value was delivered, such as a secretKeyRef or a path';

export const valueInEnvironment = nowhereIn('environment', {
  name: 'value-in-environment',
  what: 'No variable of a container holds a value',
  why: 'whoever may look at a pod or a container reads its variables, and they are kept in the state',
  practice: 'logs',
  allowed: byReference,
  fix: 'take the variable from the delivery (delivery.references) and revoke the value',
});

export const valueInConfigMap = nowhereIn('ConfigMap', {
  name: 'value-in-config-map',
  what: 'No ConfigMap and no Docker config holds a value',
  why: 'ConfigMaps are neither encrypted at rest nor guarded by the rights on Secrets',
  practice: 'readers',
  allowed: 'a Secret of the delivery',
  fix: 'put it into the catalog, so that it is delivered as a secret, and revoke the value',
});

export const valueInMetadata = nowhereIn('metadata', {
  name: 'value-in-metadata',
  what: 'No label, annotation, tag, name, path or description holds a value',
  why: 'names and labels are in every list, log and event, and cannot be redacted',
  practice: 'logs',
  allowed: 'the tag of a group, which says only whether its values are the same',
  fix: 'use the tag of the group (group.tag), and revoke the value',
});

export const valueInCommand = nowhereIn('command', {
  name: 'value-in-command',
  what: 'No command, argument or probe holds a value',
  why: 'everybody on a machine reads the arguments of its processes',
  practice: 'logs',
  allowed: byReference,
  fix: 'have the program read the file that the value is delivered in, and revoke the value',
});

export const valueInFile = nowhereIn('file', {
  name: 'value-in-file',
  what: 'No file, policy or other input holds a value, but those that are there for values',
  why: 'a Compose file or a manifest goes to git and to reviews; git keeps it for ever',
  practice: 'gitops',
  allowed: 'files below secrets/ and .env.secrets, and what is encrypted',
  fix: 'deliver it by a target, and revoke the value',
});

const ourNames = new Set(secretKeys.map(environmentName));
const looksSecret = /(?:PASSWORD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/u;
/** `${NAME}` and `${NAME:?...}`: Docker Compose puts the value in when it starts. */
const interpolated = /^\$\{\w+(?:[:?-].*)?\}$/su;

/** Also where a value is not known yet, and where it is another's. */
export const secretByReference: Rule = {
  name: 'secret-by-reference',
  what: 'A variable that is named like a secret holds no text of its own',
  why: 'a placeholder there is replaced by a value some day, and nobody sees it happen',
  practice: 'logs',
  severity: 'high',
  allowed: byReference,
  fix: 'use NAME_FILE with a path, valueFrom, or an interpolation of Docker Compose',
  *judge(resource) {
    for (const { at, environment } of containersOf(resource)) {
      const found = environment.filter(
        ([name, text]) =>
          (ourNames.has(name) || looksSecret.test(name)) && text !== '' && !interpolated.test(text),
      );
      if (found.length > 0) yield { at, got: `${found.length} of them with a text` };
    }
  },
};

/** 285 bits at 48 characters of 62; below this a guess begins to be thinkable. */
const shortestPassword = 20;

export const generatedIsLong: Rule = {
  name: 'generated-is-long',
  what: 'A generated password is long',
  why: 'what nobody has to type can be longer than anybody can guess',
  practice: 'rotation',
  severity: 'medium',
  allowed: `at least ${shortestPassword} characters`,
  fix: 'raise its length',
  *judge({ type, props }) {
    if (type !== 'random:index/randomPassword:RandomPassword') return;
    const { length } = props;
    if (typeof length === 'number' && length < shortestPassword) {
      yield { at: 'length', got: String(length) };
    }
  },
};
