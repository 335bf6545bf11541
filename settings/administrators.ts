/** Checks who is said to administer the stack's systems. It grants nothing: reports expect them. */
import type { Administrators, Reader } from '../components/systems.ts';
import { pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';
import { allowedSubjects, subjectOf } from './subject.ts';

const principal = /^arn:aws:iam::\d{12}:(?:role|user)\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/u;

export function checkAdministrators({ config, stack }: RawSettings, found: Found): Administrators {
  const value = config.administrators ?? [];
  const none: Administrators = { subjects: [], principals: [] };
  const allowed = `${allowedSubjects}, or the ARN of an IAM role or user`;
  if (!Array.isArray(value)) {
    found({
      what: 'administrators',
      got: 'something that is not a list',
      allowed: `a list of ${allowed}`,
      fix: pulumiCommand(stack, 'config', 'rm', 'administrators'),
    });
    return none;
  }
  const subjects: Reader[] = [];
  const principals: string[] = [];
  for (const [index, item] of value.entries()) {
    const subject = subjectOf(item);
    if (subject !== undefined) subjects.push(subject);
    else if (typeof item === 'string' && principal.test(item)) principals.push(item);
    else {
      found({
        what: `administrators[${index}]`,
        got: typeof item === 'string' ? shown(item) : `a ${typeof item}`,
        allowed,
        fix: pulumiCommand(stack, 'config', 'rm', `--path 'administrators[${index}]'`),
      });
    }
  }
  return { subjects, principals };
}
