/**
 * An inventory as one page of HTML that needs nothing else: no other file, no network, no script for
 * its table. Names come from settings and systems, so everything is a text of an element; the policy
 * of the page lets no other style or script run than the two below.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { columns, readersNote } from './cells.ts';
import { element, Markup } from './html.ts';
import { count, type Inventory, type Secret, type Status, summaryOf } from './inventory.ts';
import { picture } from './picture.ts';

/** Rows that are laid out at first where a script shows the others. */
const first = 200;
const early = "document.documentElement.className = 'js';";

function own(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}

/** For a policy (https://www.w3.org/TR/CSP3/). */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

export function page(inventory: Inventory): string {
  const [style, script] = [own('page.css'), own('page.js')];
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(early)} ${hashOf(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { stack, at } = inventory;
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: policy }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'referrer', content: 'no-referrer' }),
    element('title', {}, `Secrets of stack ${stack}`),
    new Markup(`<style>${style}</style><script>${early}</script>`),
  );
  const body = element(
    'body',
    {},
    element(
      'header',
      {},
      element('h1', {}, `Secrets of stack ${stack}`),
      element(
        'p',
        { class: 'quiet' },
        'As of ',
        element('time', { datetime: at }, at),
        `. ${summaryOf(inventory)}.`,
      ),
      tiles(inventory),
    ),
    element('main', {}, silent(inventory), figure(inventory), tools(inventory), table(inventory)),
    new Markup(`<script>${script}</script>`),
  );
  return `<!DOCTYPE html>\n${element('html', { lang: 'en' }, head, body).text}\n`;
}

function tiles(inventory: Inventory): Markup {
  const tile = (name: string, value: number, state = ''): Markup =>
    element(
      'li',
      { class: value > 0 && state !== '' ? state : undefined },
      element('strong', {}, value),
      ` ${name}`,
    );
  const idle = inventory.secrets.filter(({ consumers }) => consumers.length === 0).length;
  return element(
    'ul',
    { class: 'tiles' },
    tile('secrets', inventory.secrets.length),
    tile('overdue', count(inventory, 'overdue'), 'overdue'),
    tile('due soon', count(inventory, 'due soon')),
    tile('without a recorded rotation', count(inventory, 'unrecorded')),
    tile('without a known consumer', idle),
  );
}

function silent({ unasked }: Inventory): readonly Markup[] {
  if (unasked.length === 0) return [];
  const lines = unasked.map(({ what, got, fix }) =>
    element('li', {}, `${what}: got ${got}; fix: ${fix}`),
  );
  return [element('h2', {}, 'Not asked'), element('ul', {}, lines)];
}

function figure(inventory: Inventory): Markup {
  const caption = 'From each secret, by the targets that carry it, to whoever uses it.';
  return element(
    'figure',
    {},
    picture(inventory),
    element('figcaption', { class: 'quiet' }, caption),
  );
}

/** Shown by the script, without which they could do nothing. */
function tools({ secrets }: Inventory): Markup {
  const choice = (name: string): Markup => {
    const column = columns.findIndex((each) => each.name === name);
    const { title = '', cell } = columns[column] ?? {};
    const found = [...new Set(secrets.map((each) => cell?.(each) ?? ''))].sort();
    const options = found.map((each) => element('option', { value: each }, each));
    return element(
      'div',
      {},
      element('label', { for: name }, title),
      element(
        'select',
        { id: name, 'data-column': column },
        element('option', { value: '' }, 'all'),
        options,
      ),
    );
  };
  return element(
    'div',
    { class: 'tools', role: 'search', hidden: true },
    element(
      'div',
      {},
      element('label', { for: 'search' }, 'Find'),
      element('input', { id: 'search', type: 'search', autocomplete: 'off' }),
    ),
    ...['status', 'owner', 'source'].map(choice),
    element('p', { id: 'said', role: 'status', class: 'quiet' }),
  );
}

function table(inventory: Inventory): readonly Markup[] {
  const { secrets } = inventory;
  const note = readersNote(inventory);
  const heads = columns.map(({ title, value }) =>
    element('th', { scope: 'col', 'data-numbers': value === undefined ? undefined : '' }, title),
  );
  const scroll = { class: 'scroll', role: 'region', 'aria-label': 'Table of secrets', tabindex: 0 };
  return [
    element(
      'div',
      scroll,
      element(
        'table',
        {},
        element('caption', {}, 'Every secret'),
        element('thead', {}, element('tr', {}, heads)),
        element('tbody', {}, secrets.map(row)),
      ),
    ),
    element(
      'p',
      { class: 'more', hidden: true },
      element('button', { type: 'button' }, 'Show 200 more'),
    ),
    ...(note === undefined ? [] : [element('p', { class: 'quiet' }, note)]),
  ];
}

function row(secret: Secret, at: number): Markup {
  const later = at < first ? '' : ' later';
  const [head, ...cells] = columns.map(({ name, cell, value }) => {
    const known = value?.(secret);
    const data = value === undefined ? undefined : (known ?? '-');
    return element(
      name === 'key' ? 'th' : 'td',
      { class: name, scope: name === 'key' ? 'row' : undefined, 'data-value': data },
      cell(secret),
    );
  });
  return element('tr', { class: `${stateOf(secret.status)}${later}` }, head ?? '', cells);
}

function stateOf(status: Status): string {
  return status.replaceAll(' ', '-');
}
