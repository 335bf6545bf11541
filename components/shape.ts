/**
 * What a value looks like: the check that a value must pass before any resource exists, and the
 * placeholder that a stack without accounts gets. Neither ever repeats a value.
 */

export type Shape =
  | 'line'
  | 'password'
  | 'pem'
  | 'base64'
  | 'chat-id'
  | 'telegram-token'
  | 'slack-webhook';

/**
 * Longest value in bytes of UTF-8. A group has at most 13 keys, so that a whole group stays under
 * the 64 KiB of AWS Secrets Manager, the smallest container that the guide names.
 */
export const maxValueBytes = 4096;

interface ShapeRule {
  /** What is allowed, for a person who has to mend a value. */
  readonly allowed: string;
  /** Whether line feeds may stand inside the value. */
  readonly multiline: boolean;
  readonly pattern: RegExp;
  /** A value of this shape that cannot work anywhere. */
  placeholder(key: string): string;
}

const plain = (key: string): string => `placeholder-${key.replaceAll('_', '-')}`;

const rules: Record<Shape, ShapeRule> = {
  line: {
    allowed: 'one line without surrounding blanks',
    multiline: false,
    pattern: /^\S(?:.*\S)?$/u,
    placeholder: plain,
  },
  password: {
    // What materialise.py asks of the password of the bot's keystore, 8 bytes, is fewer.
    allowed: 'one line of at least 8 characters without surrounding blanks',
    multiline: false,
    pattern: /^(?=.{8})\S.*\S$/u,
    placeholder: plain,
  },
  pem: {
    allowed: 'a PEM private key with its BEGIN and END lines, lines ended by a line feed alone',
    multiline: true,
    pattern: /^-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----\n[A-Za-z0-9+/=\n]+\n-----END \1-----$/u,
    // Base64 of plain words between the markers: the right shape, and no key.
    placeholder: (key) => {
      const words = Buffer.from(`placeholder ${key}, not a private key`.padEnd(96, '.'));
      const lines = words.toString('base64').match(/.{1,64}/gu) ?? [];
      const label = ['EC', 'PRIVATE', 'KEY'].join(' ');
      return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n');
    },
  },
  base64: {
    allowed: 'base64 with its padding, on one line',
    multiline: false,
    pattern: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u,
    placeholder: (key) => Buffer.from(`placeholder ${key}`.padEnd(63, '.')).toString('base64'),
  },
  'chat-id': {
    allowed: 'a Telegram chat id, digits with an optional minus, or @channel',
    multiline: false,
    pattern: /^(?:-?\d{1,19}|@[A-Za-z][A-Za-z0-9_]{4,31})$/u,
    placeholder: () => '-1000000000000',
  },
  'telegram-token': {
    allowed: 'a Telegram bot token, digits, a colon and at least 30 letters, digits, _ or -',
    multiline: false,
    pattern: /^\d{5,16}:[A-Za-z0-9_-]{30,}$/u,
    placeholder: () => `1000000000:${'placeholder-telegram-token'.padEnd(35, '-')}`,
  },
  'slack-webhook': {
    allowed: 'a Slack webhook URL, https://hooks.slack.com/services/..., workflows or triggers',
    multiline: false,
    pattern:
      /^https:\/\/hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9/_-]+$/u,
    placeholder: () => 'https://hooks.slack.com/services/T00000000/B00000000/placeholder',
  },
};

/** Why a value is refused: what it is and what it should be, without a character of it. */
export interface Refusal {
  readonly got: string;
  readonly allowed: string;
}

/** What a value of a shape is checked by, for the program in the bot's container. */
export function ruleOf(shape: Shape): Pick<ShapeRule, 'allowed' | 'multiline' | 'pattern'> {
  return rules[shape];
}

/** What a value of a shape looks like, for people. */
export function allowedOf(shape: Shape): string {
  return rules[shape].allowed;
}

/** A value of the right shape for a key that works nowhere. */
export function placeholderOf(shape: Shape, key: string): string {
  return rules[shape].placeholder(key);
}

/** Whether a value is one of the guide's examples, which somebody has copied as it stood. */
export function isExample(value: string): boolean {
  return /^(?:your_|secure_(?:database|redis)_password$)/u.test(value);
}

/**
 * Checks a value against the shape of its key.
 * @returns the refusal, or undefined when the value is fine
 */
export function refusalOf(shape: Shape, value: string): Refusal | undefined {
  const rule = rules[shape];
  const refuse = (got: string): Refusal => ({ got, allowed: rule.allowed });
  if (value === '') return refuse('an empty value');
  if (!value.isWellFormed()) return { got: 'half a UTF-16 pair', allowed: 'text in UTF-8' };
  const bytes = Buffer.byteLength(value);
  if (bytes > maxValueBytes) {
    return { got: `${bytes} bytes`, allowed: `at most ${maxValueBytes} bytes` };
  }
  if (value.includes('\r')) return refuse('a carriage return');
  if (!rule.multiline && value.includes('\n')) {
    return refuse(value.trimEnd().includes('\n') ? 'several lines' : 'a line feed at the end');
  }
  // Tab and line feed aside, control characters survive neither env files nor YAML.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]/u.test(value)) {
    return refuse('a control character');
  }
  if (value !== value.trim()) return refuse('blanks at the start or the end');
  if (rule.multiline && value.includes('\\n')) {
    return refuse('a backslash and an n in place of line feeds');
  }
  if (!rule.pattern.test(value)) return refuse(`another shape (${value.length} characters)`);
  return undefined;
}
