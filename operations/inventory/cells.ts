/** A secret as cells of text: the same in every form. */
import type { Reader } from '../census/facts.ts';
import type { Inventory, Secret } from './inventory.ts';

export const noConsumer = 'no known consumer';
const nothing = '-';
const granted = 'by the settings';

export interface Column {
  readonly name: string;
  readonly title: string;
  readonly cell: (secret: Secret) => string;
  /** What it is sorted by, where that is not its text. */
  readonly value?: (secret: Secret) => number | null;
}

export const columns: readonly Column[] = [
  { name: 'key', title: 'Secret', cell: ({ key }) => key },
  { name: 'status', title: 'Status', cell: ({ status }) => status },
  { name: 'owner', title: 'Owner', cell: ({ owner }) => owner },
  { name: 'source', title: 'Source', cell: sourceText },
  { name: 'targets', title: 'Targets', cell: ({ targets }) => targets.join(', ') || nothing },
  {
    name: 'consumers',
    title: 'Consumers',
    cell: ({ consumers }) => consumers.join(', ') || noConsumer,
  },
  { name: 'tag', title: 'Tag', cell: ({ tag }) => tag ?? nothing },
  {
    name: 'age',
    title: 'Age, days',
    cell: ({ ageDays }) => (ageDays === null ? nothing : String(ageDays)),
    value: ({ ageDays }) => ageDays,
  },
  { name: 'rotated', title: 'Rotated', cell: ({ rotated }) => rotated?.slice(0, 10) ?? nothing },
  { name: 'due', title: 'Due', cell: ({ due }) => due ?? nothing },
  { name: 'seen', title: 'Seen at', cell: ({ seen }) => placesText(seen) },
  { name: 'readers', title: 'May read', cell: ({ readers }) => readersText(readers) },
];

/** A placeholder is worth saying; that a value is its owner's own is the rule. */
function sourceText({ source, set }: Secret): string {
  return set === 'own value' || set === source ? source : `${source}, ${set}`;
}

function placesText(seen: Secret['seen']): string {
  return seen.map(({ place }) => place).join(', ') || nothing;
}

function readersText(readers: readonly Reader[]): string {
  return readers.map(readerText).join(', ') || nothing;
}

/** What no system was asked about says so where it stands. */
export function readerText({ who, by, live }: Reader): string {
  return `${who} (${live ? by : `${by}, ${granted}`})`;
}

/** @returns what the mark of a reader means; undefined where none has it */
export function readersNote({ stack, secrets }: Inventory): string | undefined {
  if (secrets.every(({ readers }) => readers.every(({ live }) => live))) return undefined;
  return `${granted}: what the stack grants, not what a system says; npm run access -- --stack ${stack} asks the systems.`;
}
