/** Sorts, filters and shows a table by parts; without it the page has the whole table. */
(() => {
  const step = 200;
  const table = document.querySelector('table');
  const [body] = table.tBodies;
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const place = new Map(rows.map((row, at) => [row, at]));
  const tools = document.querySelector('.tools');
  const search = document.getElementById('search');
  const choices = [...document.querySelectorAll('select')];
  const said = document.getElementById('said');
  const more = document.querySelector('.more');
  let order = rows;
  let limit = step;

  function sortValue(row, column) {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent;
  }

  function fits(row) {
    const words = search.value.toLowerCase().split(/\s+/u).filter(Boolean);
    const text = texts[place.get(row)];
    if (!words.every((word) => text.includes(word))) return false;
    return choices.every(({ value, dataset }) => {
      return value === '' || row.cells[Number(dataset.column)].textContent === value;
    });
  }

  function show() {
    let found = 0;
    for (const row of order) {
      const isIn = fits(row);
      if (isIn) found += 1;
      row.classList.toggle('out', !isIn);
      row.classList.toggle('later', isIn && found > limit);
    }
    const shown = Math.min(found, limit);
    const some = shown === found ? '' : `, ${shown} shown`;
    said.textContent = `${found} of ${rows.length} secrets${some}`;
    more.hidden = shown === found;
  }

  function sort(head, column) {
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const each of table.tHead.rows[0].cells) each.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const numbers = head.dataset.numbers !== undefined;
    const values = new Map(rows.map((row) => [row, sortValue(row, column)]));
    const compare = new Intl.Collator('en', { numeric: true }).compare;
    order = rows.toSorted((one, other) => {
      const [a, b] = [values.get(one), values.get(other)];
      // What is not known stands at the end, whichever way.
      if (a === '-' || b === '-') return Number(a === '-') - Number(b === '-');
      const less = numbers ? Number(a) - Number(b) : compare(a, b);
      return down ? -less : less;
    });
    body.append(...order);
    limit = step;
    show();
  }

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => sort(head, column));
    head.append(button);
  });
  for (const each of [search, ...choices]) {
    each.addEventListener('input', () => {
      limit = step;
      show();
    });
  }
  more.querySelector('button').addEventListener('click', () => {
    limit += step;
    show();
  });
  tools.hidden = false;
  show();
})();
