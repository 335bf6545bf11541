/**
 * Vault's policies as text: which capabilities one gives on a path
 * (https://developer.hashicorp.com/vault/docs/concepts/policies). Only what is written on its face is
 * read; limits by parameters narrow and are left out, so that it may say too much and never too little.
 */

export interface PathRule {
  readonly path: string;
  readonly capabilities: readonly string[];
}

/** @returns the rules; undefined when the text is none that is understood */
export function parseVaultPolicy(text: string): readonly PathRule[] | undefined {
  const rules: PathRule[] = [];
  const clean = text.replaceAll(/("(?:[^"\\\n]|\\.)*")|#.*$|\/\/.*$|\/\*[\s\S]*?\*\//gmu, '$1');
  if (clean.trimStart().startsWith('{')) return rulesOfJson(clean);
  const opening = /\bpath\s+"((?:[^"\\\n]|\\.)*)"\s*\{/gu;
  let paths = 0;
  for (const match of clean.matchAll(opening)) {
    paths++;
    const body = bodyFrom(clean, match.index + match[0].length);
    const list = /\bcapabilities\s*=\s*\[([^\]]*)\]/u.exec(body)?.[1] ?? '';
    const old = /\bpolicy\s*=\s*"(\w+)"/u.exec(body)?.[1];
    const capabilities = [...list.matchAll(/"(\w+)"/gu)].map(([, word = '']) => word);
    rules.push({ path: match[1] ?? '', capabilities: [...capabilities, ...oldWord(old)] });
  }
  return paths === (clean.match(/\bpath\s+"/gu) ?? []).length ? rules : undefined;
}

function rulesOfJson(text: string): readonly PathRule[] | undefined {
  try {
    const { path = {} } = JSON.parse(text) as {
      path?: Readonly<Record<string, { capabilities?: readonly string[]; policy?: string }>>;
    };
    return Object.entries(path).map(([name, { capabilities = [], policy }]) => ({
      path: name,
      capabilities: [...capabilities.map(String), ...oldWord(policy)],
    }));
  } catch {
    return undefined;
  }
}

/** `policy = "write"`, as it was before there were capabilities. */
function oldWord(word: string | undefined): readonly string[] {
  if (word === 'read') return ['read', 'list'];
  if (word === 'write') return ['create', 'read', 'update', 'delete', 'list'];
  return word === undefined ? [] : [word];
}

/** What stands before the brace that closes. */
function bodyFrom(text: string, start: number): string {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
}

/** A rule's pattern matches; `+` is one part, a `*` at the end whatever follows. */
export function matchesPath(pattern: string, path: string): boolean {
  const isPrefix = pattern.endsWith('*');
  const wanted = (isPrefix ? pattern.slice(0, -1) : pattern).split('/');
  const parts = path.split('/');
  if (isPrefix ? parts.length < wanted.length : parts.length !== wanted.length) return false;
  return wanted.every((part, at) =>
    part === '+'
      ? parts[at] !== undefined
      : isPrefix && at === wanted.length - 1
        ? parts[at]?.startsWith(part) === true
        : part === parts[at],
  );
}

/** Capabilities on a path: of its most specific pattern alone, as Vault does. */
export function capabilitiesOn(
  rules: readonly PathRule[],
  path: string,
): { readonly pattern: string; readonly capabilities: readonly string[] } | undefined {
  const matching = rules.filter((rule) => matchesPath(rule.path, path));
  const [best] = matching.toSorted((one, other) => rank(other.path, path) - rank(one.path, path));
  if (best === undefined) return undefined;
  const same = matching.filter((rule) => rule.path === best.path);
  const capabilities = [...new Set(same.flatMap((rule) => rule.capabilities))];
  return { pattern: best.path, capabilities: capabilities.includes('deny') ? [] : capabilities };
}

/** A wildcard that comes later wins; then none at the end, fewer `+`, and the longer one. */
function rank(pattern: string, path: string): number {
  const first = pattern.search(/\+|\*$/u);
  const wildcard = first < 0 ? path.length + 1 : first;
  const pluses = pattern.split('/').filter((part) => part === '+').length;
  return (
    wildcard * 1e8 +
    Number(!pattern.endsWith('*')) * 1e7 +
    (999 - Math.min(pluses, 999)) * 1e4 +
    Math.min(pattern.length, 9999)
  );
}
