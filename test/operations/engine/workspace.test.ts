import assert from 'node:assert/strict';
import { refuseMissingBackend } from '../../../operations/engine/workspace.ts';

describe("a backend of the user's own", () => {
  it('in a folder that is not there is refused with the command that makes it', () => {
    assert.throws(() => refuseMissingBackend('file:///nowhere/at all'), {
      message:
        "PULUMI_BACKEND_URL: got a folder that is not there; allowed: file:// and a folder; fix: mkdir -p -m 700 '/nowhere/at all'",
    });
    assert.throws(() => refuseMissingBackend('file://~/nowhere-at-all'), /fix: mkdir .*\/nowhere/);
  });

  it('in a folder that is there, or elsewhere, is taken', () => {
    for (const url of ['', 'file:///tmp', 'file://~', 'file://.', 's3://x']) {
      refuseMissingBackend(url);
    }
  });
});
