/** The page as a browser sees it, without one: jsdom runs its script, axe-core looks for barriers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import axe from 'axe-core';
import { JSDOM } from 'jsdom';
import type { Inventory, Secret } from '../../../operations/inventory/inventory.ts';
import { page } from '../../../operations/inventory/page.ts';
import { picture } from '../../../operations/inventory/picture.ts';
import { inventoryOfSize, sample } from './case.ts';

function opened(inventory: Inventory, scripts = true): JSDOM {
  return new JSDOM(page(inventory), scripts ? { runScripts: 'dangerously' } : {});
}

function first(dom: JSDOM): string {
  const rows = [...dom.window.document.querySelectorAll('tbody tr:not(.out)')];
  return rows[0]?.querySelector('th')?.textContent ?? '';
}

function shown(dom: JSDOM): number {
  return dom.window.document.querySelectorAll('tbody tr:not(.out):not(.later)').length;
}

function type(dom: JSDOM, id: string, text: string): void {
  const { document, Event } = dom.window;
  const field = document.getElementById(id) as HTMLInputElement;
  field.value = text;
  field.dispatchEvent(new Event('input'));
}

function click(dom: JSDOM, title: string): Element {
  const buttons = [...dom.window.document.querySelectorAll<HTMLButtonElement>('thead button')];
  const button = buttons.find((each) => each.textContent === title);
  assert.ok(button?.parentElement);
  button.click();
  return button.parentElement;
}

describe('the page of an inventory', () => {
  it('has the whole table without a script, and nothing to press', () => {
    const { document } = opened(sample, false).window;
    assert.equal(document.querySelectorAll('tbody tr').length, sample.secrets.length);
    assert.equal(document.querySelectorAll('thead button').length, 0);
    assert.equal(document.querySelector('.tools')?.hasAttribute('hidden'), true);
    for (const head of document.querySelectorAll('thead th')) {
      assert.equal(head.getAttribute('scope'), 'col');
    }
    assert.equal(document.querySelectorAll('tbody th[scope=row]').length, sample.secrets.length);
  });

  it('marks what is overdue, in the table, the picture and the sum', () => {
    const { document } = opened(sample).window;
    const rows = [...document.querySelectorAll('tr.overdue th')].map((each) => each.textContent);
    assert.deepEqual(rows, ['trading.binance_api_key', 'trading.binance_secret_key']);
    assert.equal(document.querySelectorAll('svg .overdue').length, 2);
    assert.equal(document.querySelector('.tiles .overdue strong')?.textContent, '2');
  });

  it('sorts by each column, both ways, and says so', () => {
    const dom = opened(sample);
    const head = click(dom, 'Due');
    assert.equal(head.getAttribute('aria-sort'), 'ascending');
    assert.equal(first(dom), 'trading.binance_api_key');
    click(dom, 'Due');
    assert.equal(head.getAttribute('aria-sort'), 'descending');
    assert.notEqual(first(dom), 'trading.binance_api_key');
    click(dom, 'Owner');
    assert.equal(head.hasAttribute('aria-sort'), false);
    assert.equal(dom.window.document.querySelectorAll('[aria-sort]').length, 1);
  });

  it('sorts numbers as numbers, and puts what is not known last', () => {
    const secrets = [40, null, 9, 100].map((ageDays, at): Secret => {
      return { ...(sample.secrets[0] as Secret), key: `g.k${at}`, ageDays };
    });
    const dom = opened({ ...sample, secrets });
    const ages = (): readonly string[] =>
      [...dom.window.document.querySelectorAll('tbody .age')].map((each) => each.textContent);
    click(dom, 'Age, days');
    assert.deepEqual(ages(), ['9', '40', '100', '-']);
    click(dom, 'Age, days');
    assert.deepEqual(ages(), ['100', '40', '9', '-']);
  });

  it('filters by words and by choices, together, and says how many', () => {
    const dom = opened(sample);
    type(dom, 'search', 'kraken');
    assert.equal(shown(dom), 2);
    assert.equal(dom.window.document.getElementById('said')?.textContent, '2 of 24 secrets');
    type(dom, 'search', 'trading KEY');
    type(dom, 'status', 'overdue');
    assert.equal(shown(dom), 2);
    type(dom, 'owner', 'platform');
    assert.equal(shown(dom), 0);
    type(dom, 'search', '');
    type(dom, 'status', '');
    assert.equal(shown(dom), 5);
  });

  it('shows the first 200 of many, and more on request; printed, all', () => {
    const dom = opened(inventoryOfSize(410));
    assert.equal(shown(dom), 200);
    const button = dom.window.document.querySelector<HTMLButtonElement>('.more button');
    button?.click();
    assert.equal(shown(dom), 400);
    button?.click();
    assert.equal(shown(dom), 410);
    assert.equal(button?.parentElement?.hidden, true);
    assert.match(page(sample), /@media print[\s\S]*\.js tr\.later \{\s*display: table-row/);
  });

  for (const [what, inventory] of [
    ['24 secrets', sample],
    ['70 secrets, drawn by groups', inventoryOfSize(70)],
  ] as const) {
    it(`has no barrier that axe-core finds, with ${what}`, async function () {
      this.timeout(60_000);
      const dom = opened(inventory);
      const { window } = dom;
      window.eval(axe.source);
      const run = window.axe as unknown as typeof axe;
      // Colours are looked at in a real browser (npm run soak -- inventory-page).
      const options = { rules: { 'color-contrast': { enabled: false } } };
      const { violations, passes } = await run.run(window.document.documentElement, options);
      assert.equal(violations.map(({ id }) => id).join(' '), '');
      assert.ok(passes.length > 15, String(passes.length));
      for (const each of window.document.querySelectorAll('thead th'))
        each.removeAttribute('scope');
      window.document.querySelector('label')?.remove();
      const control = await run.run(window.document.documentElement, options);
      assert.ok(control.violations.length > 0, 'the control');
    });
  }

  it('makes no markup of a name', () => {
    const nasty = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;</style></title>`;
    const secret: Secret = {
      ...(sample.secrets[0] as Secret),
      key: `trading.${nasty}`,
      group: nasty,
      owner: nasty,
      tag: nasty,
      consumers: [nasty],
      targets: [nasty],
      seen: [{ target: nasty, place: nasty, tag: nasty, since: nasty }],
      readers: [{ who: nasty, by: nasty, live: true }],
    };
    const unasked = [{ target: nasty, what: nasty, got: nasty, fix: nasty }];
    const inventory = { ...sample, stack: nasty, secrets: [secret], unasked };
    const { document } = opened(inventory, false).window;
    const clean = opened({ ...sample, secrets: [sample.secrets[0] as Secret] }, false).window
      .document;
    assert.equal(document.scripts.length, clean.scripts.length);
    assert.equal(document.querySelectorAll('img, [onerror]').length, 0);
    assert.equal(document.querySelector('td.owner')?.textContent, nasty);
    assert.equal(document.title, `Secrets of stack ${nasty}`);
    assert.ok(document.querySelector('svg')?.textContent.includes('<script>'));
  });

  it('lets no other script or style run than its own, and asks for nothing', () => {
    const dom = opened(sample, false);
    const { document } = dom.window;
    const policy =
      document.querySelector('[http-equiv=Content-Security-Policy]')?.getAttribute('content') ?? '';
    assert.match(policy, /^default-src 'none'; style-src /);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    const own = [...document.scripts, ...document.querySelectorAll('style')];
    assert.equal(own.length, 3);
    for (const each of own) {
      const hash = createHash('sha256').update(each.textContent).digest('base64');
      assert.ok(policy.includes(`'sha256-${hash}'`));
    }
    assert.equal(document.querySelectorAll('[style], [src], [href], link, iframe').length, 0);
    assert.doesNotMatch(page(sample), /https?:\/\/|url\(|@import/);
  });

  it('has a picture that stays one with many: at most 60 strands, each with its number', () => {
    const { text } = picture(inventoryOfSize(10_000));
    const strands = text.match(/class="strand/gu)?.length ?? 0;
    assert.ok(strands > 2 && strands <= 60, String(strands));
    assert.match(text, /trading-0, trading-desk \(\d{3,}\), \d+ overdue/);
    const [, left = '0'] = /viewBox="-(\d+) /u.exec(text) ?? [];
    assert.ok(Number(left) > 0, 'room for the labels');
    assert.match(picture(sample).text, /viewBox="0 0 960 /);
    assert.ok(text.length < 100_000, String(text.length));
  });

  it('is written in less than 5 s with 10,000 secrets', () => {
    const inventory = inventoryOfSize(10_000);
    const begin = performance.now();
    const text = page(inventory);
    assert.ok(performance.now() - begin < 5000);
    assert.equal(text.match(/<tr class=/gu)?.length, 10_000);
  });
});
