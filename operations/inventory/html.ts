/** HTML and SVG by elements, so that no text can become markup. */

/** Markup that was made here. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Child = Markup | string | number | readonly Child[];
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const signs: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (sign) => signs[sign] ?? '');
}

/** An element; a text in it is a text, whatever it holds. */
export function element(name: string, attributes: Attributes, ...children: Child[]): Markup {
  const said = Object.entries(attributes).flatMap(([attribute, value]) => {
    if (value === undefined || value === false) return [];
    return [value === true ? ` ${attribute}` : ` ${attribute}="${escaped(String(value))}"`];
  });
  const inside = children.map(inner).join('');
  const empty = ['meta', 'input'].includes(name);
  return new Markup(`<${name}${said.join('')}>${empty ? '' : `${inside}</${name}>`}`);
}

function inner(child: Child): string {
  if (child instanceof Markup) return child.text;
  if (typeof child === 'string' || typeof child === 'number') return escaped(String(child));
  return child.map(inner).join('');
}
