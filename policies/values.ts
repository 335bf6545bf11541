/**
 * Which texts are values, and whether a text holds one.
 *
 * @pulumi/policy takes the marks off secrets before a rule sees them. So what is secret is told by
 * where it stands: in the inputs that a type of resource has for nothing else.
 */
import type { Resource } from './resource.ts';
import { type Fields, isFields, leavesOf } from './sight/fields.ts';

type Reading = 'text' | 'base64' | 'json' | 'manifest';

/** Inputs, and outputs, that hold values; nothing else does. */
const places: Readonly<Record<string, Readonly<Record<string, Reading>>>> = {
  'aws:secretsmanager/secretVersion:SecretVersion': { secretString: 'json', secretBinary: 'text' },
  'docker:index/secret:Secret': { data: 'base64' },
  'hummingbot:index:SealedData': { data: 'base64' },
  'hummingbot:index:SopsDocument': { manifest: 'manifest' },
  'kubernetes:core/v1:Secret': { data: 'base64', stringData: 'text' },
  'random:index/randomPassword:RandomPassword': { result: 'text', bcryptHash: 'text' },
  'vault:kv/secretV2:SecretV2': { dataJson: 'json', data: 'text' },
};

/** Credentials of systems, which are not the stack's values and are nobody's to search for. */
const credentials = new Set(['kubeconfig']);

/** A file of a value, or of all of them; the others that the program writes hold none. */
function isValueFile({ type, props }: Resource): boolean {
  const path = String(props.path);
  return (
    type === 'hummingbot:index:File' && /^[^/]+\/(?:secrets\/\w+\/\w+|\.env\.secrets)$/u.test(path)
  );
}

/** What of a resource may be seen by others than whom it is for. */
export function openPropsOf(resource: Resource): Fields {
  const closed = Object.keys(places[resource.type] ?? {});
  if (isValueFile(resource)) closed.push('content');
  return Object.fromEntries(
    Object.entries(resource.props).filter(
      ([name]) => !closed.includes(name) && !credentials.has(name),
    ),
  );
}

/** The values that a resource carries. */
export function valuesOf(resource: Resource): readonly string[] {
  const { props, type } = resource;
  if (isValueFile(resource)) {
    const { content } = props;
    if (typeof content !== 'string') return [];
    return String(props.path).endsWith('/.env.secrets') ? valuesOfEnv(content) : [content];
  }
  return Object.entries(places[type] ?? {}).flatMap(([name, reading]) =>
    read(props[name], reading),
  );
}

function read(value: unknown, reading: Reading): readonly string[] {
  if (reading === 'json' || reading === 'manifest') {
    const parsed = parsedJson(value);
    if (parsed === undefined) return typeof value === 'string' ? [value] : [];
    const { data, stringData } = isFields(parsed) ? parsed : {};
    return reading === 'json'
      ? textsIn(parsed)
      : [...read(data, 'base64'), ...read(stringData, 'text')];
  }
  const texts = textsIn(value);
  return reading === 'text'
    ? texts
    : texts.map((text) => Buffer.from(text, 'base64').toString('utf8'));
}

function textsIn(value: unknown): readonly string[] {
  return [...leavesOf(value)].filter(({ isKey }) => !isKey).map(({ text }) => text);
}

function parsedJson(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Values of `NAME='...'` and `NAME="..."`, over several lines too. */
function valuesOfEnv(text: string): readonly string[] {
  return [...text.matchAll(/^\w+=(?:'([^']*)'|"([^"]*)")$/gmu)].map(
    ([, single, double]) => single ?? double ?? '',
  );
}

/** Shorter ones, and words of small letters alone, stand in many a text by chance. */
const shortest = 8;
const isWord = /^[a-z]{1,15}$/u;
/** Of a value of several lines: a PEM's first and last line are everybody's. */
const isMarker = /^-----(?:BEGIN|END) /u;
const shortestLine = 16;

/** Every form that a text may give a value: as it is, and encoded. */
function formsOf(value: string): readonly string[] {
  const lines = value.split('\n').filter((line) => line.length >= shortestLine);
  const parts = lines.length > 1 ? lines.filter((line) => !isMarker.test(line)) : [value];
  return parts.flatMap((part) => {
    const bytes = Buffer.from(part, 'utf8');
    const base64 = [0, 1, 2].flatMap((offset) => {
      const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
      // The first and last characters also depend on the neighbours.
      const first = [0, 2, 3][offset] ?? 0;
      const whole = (offset + bytes.length) % 3 === 0;
      const form = encoded.slice(first, whole ? undefined : -4);
      return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
    });
    const hex = bytes.toString('hex');
    const json = JSON.stringify(part).slice(1, -1);
    return [part, json, encodeURIComponent(part), hex, hex.toUpperCase(), ...base64];
  });
}

/** Finds values in texts, in time that grows with the texts and not with the values. */
export class KnownValues {
  readonly #values = new Set<string>();
  /** Forms by how they begin. */
  readonly #forms = new Map<string, string[]>();

  /** @returns whether one of them was new */
  add(values: Iterable<string>): boolean {
    let grown = false;
    for (const value of values) {
      if (value.length < shortest || isWord.test(value) || this.#values.has(value)) continue;
      this.#values.add(value);
      grown = true;
      for (const form of new Set(formsOf(value))) {
        if (form.length < shortest) continue;
        const start = form.slice(0, shortest);
        const others = this.#forms.get(start);
        if (others === undefined) this.#forms.set(start, [form]);
        else others.push(form);
      }
    }
    return grown;
  }

  get size(): number {
    return this.#values.size;
  }

  heldBy(text: string): boolean {
    if (this.#forms.size === 0) return false;
    for (let at = 0; at + shortest <= text.length; at++) {
      const forms = this.#forms.get(text.slice(at, at + shortest));
      if (forms?.some((form) => text.startsWith(form, at))) return true;
    }
    return false;
  }
}
