/** The rule for the names of stacks: it is asked before Pulumi starts, and in the program again. */
export const stackNamePattern = /^[a-z0-9][a-z0-9_-]{0,39}$/u;
export const allowedStackNames =
  'small letters, digits, - and _, at most 40; it names a folder and a Compose project';
