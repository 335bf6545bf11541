/** All rules, and how a text is looked at by them. */
import { catalogRules } from './catalog-rules.ts';
import { ownRules } from './own-rules.ts';
import { allowedEverywhere, entropyOf, type Rule } from './rule.ts';

export const rules: readonly Rule[] = [...catalogRules(), ...ownRules()];

const allowed = new RegExp(allowedEverywhere.join('|'), 'u');
const readied = rules.map((rule) => ({
  rule,
  regex: new RegExp(rule.regex, rule.anyCase === true ? 'gimu' : 'gmu'),
  allow: rule.allow === undefined ? undefined : new RegExp(rule.allow.join('|'), 'u'),
}));

/** Where a rule has found something; nothing of it. */
export interface Hit {
  readonly rule: string;
  /** Where it begins in the text, with its name. */
  readonly at: number;
}

/** @param binary whether only what can be nothing else is looked for */
export function hitsIn(text: string, binary: boolean): readonly Hit[] {
  const lower = text.toLowerCase();
  return readied.flatMap(({ rule, regex, allow }) => {
    if (binary && !rule.distinct) return [];
    if (!rule.keywords.some((keyword) => lower.includes(keyword))) return [];
    const hits: Hit[] = [];
    for (const match of text.matchAll(regex)) {
      const secret = match[1] ?? match[0];
      if (allowed.test(secret) || allow?.test(secret) === true) continue;
      if (rule.entropy !== undefined && entropyOf(secret) < rule.entropy) continue;
      hits.push({ rule: rule.id, at: match.index + match[0].search(/\S/u) });
    }
    return hits;
  });
}
