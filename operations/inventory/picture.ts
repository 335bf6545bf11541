/**
 * The picture of an inventory, secret -> target -> consumer, as SVG. What is too many to be seen one
 * by one is drawn by group and owner, with how many each is.
 */
import { noConsumer } from './cells.ts';
import { element, type Markup } from './html.ts';
import type { Inventory, Secret } from './inventory.ts';

/** A line of the left column: a secret, or some that are alike. */
interface Strand {
  readonly label: string;
  readonly count: number;
  readonly overdue: number;
  readonly group: string;
  readonly targets: readonly string[];
  readonly consumers: readonly string[];
}

const mostStrands = 60;
const mostNodes = 14;
const others = 'others';
const nowhere = 'nowhere';
const rowHeight = 24;
/** Width of a bold one, at most on average. */
const letter = 8.5;
const top = 44;
const width = 960;
const strandX = 300;
const targetX = { left: 420, right: 590 };
const consumerX = 740;
/** Colours of groups; further ones begin anew. */
const colours = 4;

export function picture(inventory: Inventory): Markup {
  const strands = strandsOf(inventory.secrets);
  const [targets, consumers] = (['targets', 'consumers'] as const).map((end) =>
    endsOf(strands, end),
  );
  const rows = Math.max(
    strands.length,
    (targets?.length ?? 0) * 2,
    (consumers?.length ?? 0) * 2,
    1,
  );
  const height = top + rows * rowHeight + 12;
  const at = (index: number, of: number): number =>
    top + ((index + 0.5) * rows * rowHeight) / Math.max(of, 1);
  const place = (names: readonly string[] = []): ReadonlyMap<string, number> =>
    new Map(names.map((name, index) => [name, at(index, names.length)]));
  const [targetY, consumerY] = [place(targets), place(consumers)];
  const groups = [...new Set(strands.map(({ group }) => group))];
  const drawn = strands.map((strand, index) => {
    const y = at(index, strands.length);
    const colour = `strand g${groups.indexOf(strand.group) % colours}`;
    // Of some that are alike, a number says how many are.
    const state = strand.overdue === strand.count ? `${colour} overdue` : colour;
    return element('g', { class: state }, element('title', {}, wordsOf(strand)), [
      ...linesOf(strand, y, targetY, consumerY),
      element('circle', { cx: strandX, cy: y, r: 4 }),
      element('text', { x: strandX - 10, y: y + 4, 'text-anchor': 'end' }, labelOf(strand)),
    ]);
  });
  const longest = Math.max(0, ...strands.map((strand) => labelOf(strand).length));
  const more = Math.max(0, Math.ceil(longest * letter) + 20 - strandX);
  const about = `${inventory.secrets.length} secrets of stack ${inventory.stack}: which target carries each, and who uses it`;
  return element(
    'svg',
    {
      viewBox: `${-more} 0 ${width + more} ${height}`,
      role: 'img',
      'aria-label': `${about}. The table below has the same.`,
    },
    heading('Secret', strandX - 10, 'end'),
    heading('Target', (targetX.left + targetX.right) / 2, 'middle'),
    heading('Consumer', consumerX + 12, 'start'),
    drawn,
    [...targetY].map(([name, y]) => targetBox(name, y)),
    [...consumerY].map(([name, y]) =>
      element(
        'g',
        { class: name === noConsumer ? 'consumer none' : 'consumer' },
        element('circle', { cx: consumerX, cy: y, r: 5 }),
        element('text', { x: consumerX + 12, y: y + 4 }, short(name, 26)),
      ),
    ),
  );
}

function heading(text: string, x: number, anchor: string): Markup {
  return element('text', { class: 'heading', x, y: 20, 'text-anchor': anchor }, text);
}

function targetBox(name: string, y: number): Markup {
  const { left, right } = targetX;
  const box = { x: left, y: y - 13, width: right - left, height: 26, rx: 6 };
  return element(
    'g',
    { class: 'target' },
    element('rect', box),
    element('text', { x: (left + right) / 2, y: y + 4, 'text-anchor': 'middle' }, short(name, 22)),
  );
}

/** Each strand has its whole way, so that it can be shown alone. */
function linesOf(
  { targets, consumers }: Strand,
  y: number,
  targetY: ReadonlyMap<string, number>,
  consumerY: ReadonlyMap<string, number>,
): readonly Markup[] {
  const curve = (x1: number, y1: number, x2: number, y2: number): Markup => {
    const middle = (x1 + x2) / 2;
    const d = `M${x1} ${round(y1)}C${middle} ${round(y1)} ${middle} ${round(y2)} ${x2} ${round(y2)}`;
    return element('path', { d });
  };
  return targets.flatMap((target) => {
    const middle = heightOf(targetY, target);
    return [
      curve(strandX, y, targetX.left, middle),
      ...consumers.map((consumer) =>
        curve(targetX.right, middle, consumerX, heightOf(consumerY, consumer)),
      ),
    ];
  });
}

function heightOf(names: ReadonlyMap<string, number>, name: string): number {
  return names.get(name) ?? names.get(others) ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function labelOf({ label, count, overdue }: Strand): string {
  const many = count > 1 ? `${label} (${count})` : label;
  if (overdue === 0) return short(many);
  return `${short(many)} ${count > 1 ? `, ${overdue} overdue` : ', overdue'}`.replace(' ,', ',');
}

function short(text: string, most = 34): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function wordsOf(strand: Strand): string {
  return `${labelOf(strand)}: ${strand.targets.join(', ')}; used by ${strand.consumers.join(', ')}`;
}

function strandsOf(secrets: readonly Secret[]): readonly Strand[] {
  const alone = secrets.length <= mostStrands;
  const bundles = Map.groupBy(secrets, ({ key, group, owner }) =>
    alone ? key : `${group}, ${owner}`,
  );
  const byLabel = [...bundles].map(([label, own]) => strandOf(alone ? nameOf(label) : label, own));
  if (byLabel.length <= mostStrands) return byLabel;
  const largest = byLabel.toSorted((one, other) => other.count - one.count);
  const kept = largest.slice(0, mostStrands - 1);
  const rest = new Set(largest.slice(mostStrands - 1).map(({ label }) => label));
  const left = [...bundles].flatMap(([label, own]) => (rest.has(label) ? own : []));
  return [...kept, strandOf(others, left)];
}

function nameOf(key: string): string {
  return key.split('.').slice(1).join('.') || key;
}

function strandOf(label: string, secrets: readonly Secret[]): Strand {
  const all = (end: 'targets' | 'consumers', none: string): readonly string[] => [
    ...new Set(secrets.flatMap((each) => (each[end].length > 0 ? each[end] : [none]))),
  ];
  return {
    label,
    count: secrets.length,
    overdue: secrets.filter(({ status }) => status === 'overdue').length,
    group: secrets[0]?.group ?? '',
    targets: all('targets', nowhere),
    consumers: all('consumers', noConsumer),
  };
}

/** Names of a column, most used first; one stands for all the rest. */
function endsOf(strands: readonly Strand[], end: 'targets' | 'consumers'): readonly string[] {
  const counts = new Map<string, number>();
  for (const each of strands) {
    for (const name of each[end]) counts.set(name, (counts.get(name) ?? 0) + each.count);
  }
  const names = [...counts].toSorted((one, other) => other[1] - one[1]).map(([name]) => name);
  return names.length <= mostNodes ? names : [...names.slice(0, mostNodes - 1), others];
}
