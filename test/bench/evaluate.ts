/**
 * Evaluates one program in a process of its own, under mocks that answer at once, and prints what
 * it cost: wall time since the process began (ms), peak memory (MiB), registrations.
 */
import { pathToFileURL } from 'node:url';
import * as pulumi from '@pulumi/pulumi';

const program = process.argv[2] ?? '';
const project = 'hummingbot-secrets';
let registrations = 0;

pulumi.runtime.setAllConfig(JSON.parse(process.env.BENCH_CONFIG ?? '{}'), []);
await pulumi.runtime.setMocks(
  {
    newResource: ({ name, inputs }) => {
      registrations += 1;
      return { id: name, state: { ...inputs, result: 'r'.repeat(48), hex: '00000000' } };
    },
    call: () => ({}),
  },
  project,
  'dev',
  false,
);
// The program is done when nothing is left to happen, and not when its last line has run.
process.once('beforeExit', () => {
  console.log(
    JSON.stringify({
      milliseconds: performance.now(),
      mebibytes: process.resourceUsage().maxRSS / 1024,
      registrations,
    }),
  );
});
await pulumi.runtime.runInPulumiStack(async () => ({
  ...(await import(pathToFileURL(program).href)),
}));
