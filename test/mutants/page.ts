/** docs/policies.md: the rules, and what notices that a control is gone. */
import { practices } from '../../policies/rule.ts';
import { rules } from '../../policies/rules.ts';

export interface Caught {
  readonly control: string;
  /** Stack or source file that the control was taken from. */
  readonly from: string;
  /** Rules, or a unit test. */
  readonly by: readonly string[];
}

export interface MutantsRun {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly seconds: number;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');
}

/** What stays the same until a rule changes; a test compares it. */
export function rulesTable(): string {
  return table(
    ['rule', 'what must hold', 'why', 'best practice of the guide', 'severity', 'allowed'],
    rules.map(({ name, what, why, practice, severity, allowed }) => [
      `\`${name}\``,
      ...[what, why, practices[practice], severity, allowed],
    ]),
  );
}

export function pageOf({ date, commit, machine, seconds }: MutantsRun, caught: readonly Caught[]) {
  const found = caught.filter(({ by }) => by.length > 0);
  const byTest = found.filter(({ by }) => by.some((each) => each.endsWith('.ts')));
  const missed = caught.length - found.length;
  const share = ((found.length / caught.length) * 100).toFixed(1);
  return `# Policies

<!-- Written by \`npm run mutants\`. -->

A pack of ${rules.length} rules looks at everything that a stack would make, beside the program and knowing nothing of how it
made it. All are mandatory: a violation ends the run.

\`\`\`sh
npm run policies -- --stack prod                # asks about a preview; one line a violation, exit code 1; changes nothing
npm start -- --policies --stack prod            # asks while it brings the stack up: what violates a rule is not made
npm start -- preview --policies --stack prod    # asks, and shows the preview
pulumi preview --policy-pack policies           # with the vendor's Pulumi, as any pack
\`\`\`

A line says the rule, the resource, the place, what is there, what would be right, and what to do:

\`\`\`text
closed-files: hummingbot:index:File env-file-env-secrets: mode: got 0644; allowed: mode 0400 or 0600; fix: set the mode
\`\`\`

It never holds a value, nor any text of the resource's own: places are counted, and what is shown is a number, a mode or a word
of ours (\`test/policies/canary.test.ts\` puts canaries into every text and every name of our stacks).

What a rule takes for a value is what stands where nothing else does: in the data of a Secret, in a secret's version, in the file
of a key. Values shorter than 8 characters, and words of small letters (a user name), are not searched for: they stand in many a
text by chance.

Three things it does not do. A preview of a stack that is not there yet does not know its tags, so that of Compose files and pods
those parts are judged at the \`up\`, by \`--policies\`, and at each preview after it; the [deployments](automation.md) of a
workflow ask at both. It sees inputs, not marks: that a value is encrypted in
the state is the unit tests' affair. And it judges what this program makes, not what somebody else does in the cluster.

## The rules

${rulesTable()}

## Each control, taken away

${date}, commit ${commit}, on ${machine}; ${seconds} s.

Each control of our own program is taken away in turn: an input of a resource that the program registers under Pulumi's mocks, or,
where no policy can see it, a piece of the source, on a copy of the tree. Then the policies, or the unit test, are asked. To repeat
it: \`npm run mutants\`. \`npm test\` asks the policies about all that they notice.

| what | seen | as it has to be |
| --- | --- | --- |
| controls taken away | ${caught.length} | at least 60 |
| noticed by a rule | ${found.length - byTest.length} | |
| noticed by a unit test | ${byTest.length} | |
| noticed by nobody | ${missed} | |
| share that is noticed | ${share} % | at least 95 % |

${table(
  ['control', 'taken from', 'noticed by'],
  caught.map(({ control, from, by }) => [
    control,
    from,
    by.length === 0 ? '**nobody**' : by.map((each) => `\`${each}\``).join(', '),
  ]),
)}
`;
}
