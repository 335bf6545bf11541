/** The page of an inventory in a real browser: 23 secrets, 10,000, in the light and in the dark, and without a script. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandError } from '../../operations/engine/command-error.ts';
import { page } from '../../operations/inventory/page.ts';
import { inventoryOfSize, sample } from '../operations/inventory/case.ts';
import { findBrowser, Page } from './browser.ts';
import { type Rounds, spread } from './rounds.ts';
import type { Soak } from './soak.ts';

const many = 10_000;
const slowestMilliseconds = 5000;
const slowestAnswerMilliseconds = 1000;
const largestPicture = 200_000;
const picture = resolve(import.meta.dirname, '../../docs/inventory.png');

/** Does something on the page and waits until it is painted. */
function timed(what: string): string {
  return `(async () => {
    const begin = performance.now();
    ${what};
    document.body.offsetHeight;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begin;
  })()`;
}

const clickDue =
  "[...document.querySelectorAll('thead button')].find((each) => each.textContent === 'Age, days').click()";
const typeText = (text: string): string =>
  `const find = document.getElementById('search'); find.value = '${text}'; find.dispatchEvent(new Event('input'))`;
const countShown =
  "[...document.querySelectorAll('tbody tr')].filter((row) => row.offsetHeight > 0).length";

/** @returns a line for each rule that the page breaks */
async function violations(open: Page): Promise<readonly string[]> {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await open.run(`${axe}; 0`);
  return await open.run(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.length + ' ' + nodes[0].html.slice(0, 80)))",
  );
}

export const soak: Soak = {
  rounds: 3,

  async run(rounds: Rounds): Promise<void> {
    const program = findBrowser();
    if (program === undefined) {
      throw new CommandError(
        'soak inventory-page: got no browser on PATH; allowed: chromium; fix: apt-get install chromium-headless-shell',
      );
    }
    for (const round of rounds.next()) {
      const folder = mkdtempSync(join(tmpdir(), 'inventory-page-'));
      const url = (name: string): string => pathToFileURL(join(folder, name)).href;
      const faults: string[] = [];
      const begin = performance.now();
      const large = page(inventoryOfSize(many));
      const written = performance.now() - begin;
      writeFileSync(join(folder, 'many.html'), large);
      writeFileSync(join(folder, 'few.html'), page(sample));
      const open = await Page.open(program);
      try {
        await open.load(url('few.html'));
        for (const scheme of ['light', 'dark']) {
          const features = [{ name: 'prefers-color-scheme', value: scheme }];
          await open.send('Emulation.setEmulatedMedia', { features });
          for (const line of await violations(open)) faults.push(`${scheme}: ${line}`);
        }
        await open.send('Emulation.setEmulatedMedia', { features: [] });
        await open.run("document.querySelector('h1').style.color = '#ddd'");
        const control = await violations(open);
        if (!control.some((line) => line.startsWith('color-contrast'))) faults.push('the control');
        await open.load(url('few.html'));
        if (round === 0) {
          const png = await open.screenshot(1100, 900);
          writeFileSync(picture, png);
          if (png.length > largestPicture) faults.push(`a picture of ${png.length} bytes`);
        }
        const loaded = await open.load(url('many.html'));
        const shown = await open.run<number>(countShown);
        if (shown !== 200) faults.push(`${shown} rows at first, and not 200`);
        const sorted = await open.run<number>(timed(clickDue));
        const age = await open.run<string>("document.querySelector('tbody tr .age').textContent");
        if (age !== '0') faults.push(`age ${age} first, sorted by it`);
        const found = await open.run<number>(timed(typeText('binance_api_key_23 ')));
        const left = await open.run<number>(countShown);
        if (left < 1 || left > 200) faults.push(`${left} rows of one name`);
        const plain = page(sample).replaceAll(/<script>.*?<\/script>/gsu, '');
        writeFileSync(join(folder, 'plain.html'), plain);
        await open.load(url('plain.html'));
        const rows = await open.run<number>(countShown);
        if (rows !== sample.secrets.length) faults.push(`${rows} rows without a script`);
        const figures = { written, loaded, sorted, found, bytes: large.length };
        for (const [name, value] of Object.entries({ written, loaded })) {
          if (!(value < slowestMilliseconds)) faults.push(`${name}: ${Math.round(value)} ms`);
        }
        for (const [name, value] of Object.entries({ sorted, found })) {
          if (!(value < slowestAnswerMilliseconds)) faults.push(`${name}: ${Math.round(value)} ms`);
        }
        rounds.add({ round, what: 'a page in the browser', faults, figures });
      } finally {
        await open.close();
        rmSync(folder, { recursive: true });
      }
    }
  },

  summary(rounds) {
    const all = (name: string): readonly number[] =>
      rounds.map(({ figures }) => figures[name] ?? 0);
    const row = (what: string, name: string, most: number) => ({
      what: `${what}, ms (least .. median .. most; less than ${most})`,
      seen: spread(all(name)),
      holds: all(name).every((value) => value < most),
    });
    return {
      title: 'the page of an inventory',
      done:
        'The page of `npm run inventory` in a headless Chromium: 23 secrets looked through by axe-core in the light and in ' +
        'the dark, contrast too; 10,000 secrets loaded, sorted and searched; and the table without a script. ' +
        'docs/inventory.png is taken here.',
      figures: [
        row('10,000 secrets written', 'written', slowestMilliseconds),
        row('loaded and painted', 'loaded', slowestMilliseconds),
        row('sorted by age', 'sorted', slowestAnswerMilliseconds),
        row('searched for a name', 'found', slowestAnswerMilliseconds),
        { what: 'size of the page, bytes', seen: spread(all('bytes')) },
      ],
    };
  },
};
