/** Checks what the config is of: known settings, the stack's name, its environment. */
import { nearest, pulumiCommand, removeCommand, shown, shownName } from './mistake.ts';
import { strayValueMistake, valueNameOf } from './plaintext.ts';
import { type Found, type RawSettings, settingNames } from './raw.ts';
import { allowedStackNames, stackNamePattern } from './stack-name.ts';

export const environments = ['dev', 'staging', 'prod'] as const;
export type Environment = (typeof environments)[number];

export function checkNames({ config, stack }: RawSettings, found: Found): void {
  for (const name of Object.keys(config).filter((each) => !settingNames.includes(each))) {
    if (valueNameOf(name) !== undefined) {
      found(strayValueMistake(stack, name));
      continue;
    }
    const near = nearest(name, settingNames);
    found({
      what: shownName(name),
      got: 'a setting that does not exist',
      allowed: near === undefined ? settingNames.join(', ') : near,
      fix: removeCommand(stack, name),
    });
  }
}

export function checkStack({ stack }: RawSettings, found: Found): string {
  if (!stackNamePattern.test(stack)) {
    found({
      what: 'stack',
      got: shown(stack),
      allowed: allowedStackNames,
      fix: 'a stack file of another name, and npm start -- --stack NAME',
    });
  }
  return stack;
}

export function checkEnvironment({ config, stack }: RawSettings, found: Found): Environment {
  const value = config.environment;
  const own = environments.find((each) => each === stack);
  const allowed = own === undefined ? environments : [own];
  const match = allowed.find((each) => each === value);
  if (match !== undefined) return match;
  found({
    what: 'environment',
    got: typeof value === 'string' && value !== '' ? shown(value) : 'nothing',
    allowed: own === undefined ? environments.join(', ') : `${own}, as the stack is named`,
    fix: pulumiCommand(stack, 'config', 'set', 'environment', allowed[0] ?? 'dev'),
  });
  return 'prod';
}
