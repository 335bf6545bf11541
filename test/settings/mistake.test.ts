import assert from 'node:assert/strict';
import { pulumiEnvironment } from '../../operations/engine/workspace.ts';
import { ownCommandsVariable, pulumiCommand, removeCommand } from '../../settings/mistake.ts';

describe('a command in a hint', () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env[ownCommandsVariable];
    delete process.env[ownCommandsVariable];
  });
  afterEach(() => {
    if (before === undefined) delete process.env[ownCommandsVariable];
    else process.env[ownCommandsVariable] = before;
  });

  it("is plain pulumi under the user's own Pulumi", () => {
    assert.equal(
      pulumiCommand('dev', 'config', 'set', 'image', 'x'),
      'pulumi config set image x --stack dev',
    );
    assert.equal(
      removeCommand('dev', 'a', 'trading'),
      "pulumi config rm --path 'trading.a' --stack dev",
    );
  });

  it("is npm run pulumi in what this project's commands run", () => {
    const env = pulumiEnvironment({ bin: '/bin', stack: 'dev', stackFile: 'x' });
    process.env[ownCommandsVariable] = env[ownCommandsVariable];
    assert.equal(
      pulumiCommand('dev', 'config', 'set', 'image', 'x'),
      'npm run pulumi -- config set image x --stack dev',
    );
  });
});
