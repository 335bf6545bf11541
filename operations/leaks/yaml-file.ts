/** What only the structure of a YAML file shows: values in the clear where they should be encrypted. */
import { basename } from 'node:path';
import { isMap, isPair, isScalar, LineCounter, type Pair, parseAllDocuments, visit } from 'yaml';
import { groupNames, isSecretKey } from '../../components/catalog.ts';
import { projectName } from '../engine/workspace.ts';
import { allowedEverywhere } from './rule.ts';

interface YamlHit {
  readonly rule: string;
  readonly line: number;
}

const allowed = new RegExp(allowedEverywhere.join('|'), 'u');
const stackFile = /^Pulumi\.[^/]+\.ya?ml$/u;

/** @param path decides what it is: a stack file, or any other YAML */
export function yamlHits(path: string, bytes: Buffer): readonly YamlHit[] {
  if (!/\.(?:ya?ml|json)$/u.test(path)) return [];
  const isStack = stackFile.test(basename(path));
  if (!isStack && !/\bkind["']?\s*:\s*["']?Secret\b/u.test(bytes.toString('latin1'))) return [];
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(bytes.toString(), { lineCounter, logLevel: 'silent' });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const pairs = isStack ? openValues(document.get('config')) : openData(document.contents);
    const rule = isStack ? 'stack-file-plaintext' : 'secret-manifest';
    return pairs.map((pair) => ({ rule, line: lineOf(pair, lineCounter) }));
  });
}

function lineOf({ key }: Pair, counter: LineCounter): number {
  return counter.linePos((isScalar(key) ? key.range?.[0] : undefined) ?? 0).line;
}

/** Values of a stack's config that are not `secure: ...`: in a group, beside one, or by a key's name. */
function openValues(config: unknown): readonly Pair[] {
  if (!isMap(config)) return [];
  return config.items.flatMap((pair) => {
    const name = nameOf(pair).replace(`${projectName}:`, '');
    const [group = '', key] = name.split('.');
    const isGroup = groupNames.some((each) => each === group);
    if (isGroup && isMap(pair.value) && key === undefined) return leavesOf(pair);
    return isGroup || isSecretKey(key ?? group) ? leavesOf(pair) : [];
  });
}

function leavesOf(pair: Pair): readonly Pair[] {
  const { value } = pair;
  if (isMap(value)) {
    const [first] = value.items;
    if (value.items.length === 1 && first !== undefined && nameOf(first) === 'secure') return [];
    return value.items.flatMap(leavesOf);
  }
  return isScalar(value) && (value.value === null || value.value === '') ? [] : [pair];
}

/** Data of a Kubernetes Secret, unless SOPS has encrypted it. */
function openData(contents: unknown): readonly Pair[] {
  const found: Pair[] = [];
  if (!isMap(contents)) return found;
  visit(contents, {
    Map(_, map) {
      if (map.get('kind') !== 'Secret') return;
      for (const field of ['data', 'stringData']) {
        const data = map.get(field);
        if (isMap(data)) found.push(...data.items.filter(isOpen));
      }
    },
  });
  return found;
}

function isOpen(pair: Pair): boolean {
  if (!isPair(pair) || !isScalar(pair.value)) return false;
  const text = String(pair.value.value ?? '');
  const decoded = Buffer.from(text, 'base64').toString();
  return text !== '' && !allowed.test(text) && !allowed.test(decoded);
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}
