/** Checks the settings that are one text or one flag. */
import { isTooOld, pinnedImage } from './image.ts';
import { pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';

export function checkBoolean(
  { config, stack }: RawSettings,
  setting: 'protect' | 'placeholders' | 'handOver',
  fallback: boolean,
  found: Found,
): boolean {
  const value = config[setting] ?? fallback;
  if (typeof value === 'boolean') return value;
  found({
    what: setting,
    got: `a ${typeof value}`,
    allowed: 'true, false',
    fix: pulumiCommand(stack, 'config', 'set', setting, `${fallback}`, '--type bool'),
  });
  return fallback;
}

export interface TextRule {
  readonly fallback: string;
  readonly pattern: RegExp;
  readonly allowed: string;
}

export const imageRule: TextRule = {
  fallback: 'hummingbot/hummingbot:version-2.16.0',
  pattern: pinnedImage,
  allowed: 'NAME:TAG with a tag other than latest, or NAME@sha256:DIGEST',
};
export const namespaceRule: TextRule = {
  fallback: 'hummingbot',
  pattern: /^[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?$/u,
  allowed: 'small letters, digits and -, at most 22 (a DNS label)',
};
export const prefixRule: TextRule = {
  fallback: 'hummingbot',
  pattern: /^[A-Za-z0-9_+=.@-]+(?:\/[A-Za-z0-9_+=.@-]+)*$/u,
  allowed: 'letters, digits and _+=.@-, parts divided by /',
};
export const directoryRule: TextRule = {
  fallback: 'out',
  pattern:
    /^(?!.*(?:^|\/)(?:\.\.|\.git|\.local|node_modules)(?:\/|$))(?![./]+$)[A-Za-z0-9_./][A-Za-z0-9_./-]*$/u,
  allowed:
    'a directory below the project, or an absolute path: letters, digits and _ . - /, without .. and not .git or .local',
};

export const gitopsRule: TextRule = { ...directoryRule, fallback: 'gitops' };

export function checkText(
  { config, stack }: RawSettings,
  setting: 'image' | 'namespace' | 'prefix' | 'outputDirectory' | 'gitopsDirectory',
  rule: TextRule,
  found: Found,
): string {
  const value = config[setting] ?? rule.fallback;
  if (typeof value === 'string' && rule.pattern.test(value)) return value;
  found({
    what: setting,
    got: typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: rule.allowed,
    fix: pulumiCommand(stack, 'config', 'set', setting, rule.fallback),
  });
  return rule.fallback;
}

export function checkPlaceholders(
  { stack }: RawSettings,
  protect: boolean,
  placeholders: boolean,
  found: Found,
): void {
  if (!protect || !placeholders) return;
  found({
    what: 'placeholders',
    got: 'true in a protected stack',
    allowed: 'false, with every value set; or protect false',
    fix: pulumiCommand(stack, 'config', 'set', 'placeholders', 'false', '--type bool'),
  });
}

/** The image that the bot runs in can run it: one line now, instead of a container that ends. */
export function checkImage(raw: RawSettings, found: Found): string {
  const image = checkText(raw, 'image', imageRule, found);
  if (isTooOld(image)) {
    found({
      what: 'image',
      got: shown(image),
      allowed: 'Hummingbot 2.16.0 or newer',
      fix: pulumiCommand(raw.stack, 'config', 'set', 'image', imageRule.fallback),
    });
  }
  return image;
}
