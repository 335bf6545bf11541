import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encryptionOf,
  opens,
  readPassphrase,
  refuseWrongPassphrase,
  requirePassphrase,
} from '../../../operations/engine/passphrase.ts';
import { leaks } from '../../canary.ts';

/** Written by Pulumi 3.259 for the passphrase "a". */
const salt = 'v1:AYx5dwio2rM=:v1:mXdLbSOIk6PVdvAw:3aSR1+bZm20fE38eaVu2RzMFRIZrXw==';
const salted = `config: {}\nencryptionsalt: ${salt}\n`;

/** Runs with these variables of Pulumi's and no others. */
function withVariables(variables: Readonly<Record<string, string>>, act: () => void): void {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('PULUMI_')) delete process.env[name];
  }
  Object.assign(process.env, variables);
  try {
    act();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

describe('a passphrase', () => {
  it('is known to be right or wrong by the salt that Pulumi wrote', () => {
    assert.equal(opens('a', salt), true);
    assert.equal(opens('b', salt), false);
    assert.equal(opens('', salt), false);
  });

  it('is left to Pulumi where the salt has a form of tomorrow', () => {
    for (const other of ['v2:x:y', 'nonsense', 'v1:AYx5dwio2rM='])
      assert.equal(opens('b', other), true);
  });

  it('is refused where the salt was tampered with', () => {
    assert.equal(opens('a', salt.replace('3aSR', '4aSR')), false);
    assert.equal(opens('a', 'v1:AYx5dwio2rM=:v1:mXdLbSOIk6PVdvAw:'), false);
  });

  it('is read as Pulumi reads it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'passphrase-'));
    const file = join(directory, 'file');
    writeFileSync(file, '  from a file \n\n');
    withVariables({ PULUMI_CONFIG_PASSPHRASE_FILE: file }, () =>
      assert.equal(readPassphrase(), 'from a file'),
    );
    const both = { PULUMI_CONFIG_PASSPHRASE_FILE: file, PULUMI_CONFIG_PASSPHRASE: ' word ' };
    withVariables(both, () => assert.equal(readPassphrase(), ' word '));
    rmSync(directory, { recursive: true });
  });

  for (const backend of ['file:///srv/state', 's3://b', 'gs://b', 'azblob://b']) {
    it(`has to be the user's own for ${backend.split(':')[0]}://`, () => {
      withVariables({ PULUMI_BACKEND_URL: backend }, () => {
        assert.throws(
          () => requirePassphrase('dev', 'config: {}\n'),
          /^CommandError: PULUMI_BACKEND_URL: got .*; allowed: .*; fix: export PULUMI_CONFIG_PASSPHRASE_FILE=FILE$/,
        );
        assert.throws(() => requirePassphrase('dev', 'secretsprovider: passphrase\n'));
        requirePassphrase('dev', 'secretsprovider: awskms://alias/x\n');
      });
      for (const name of ['PULUMI_CONFIG_PASSPHRASE', 'PULUMI_CONFIG_PASSPHRASE_FILE']) {
        withVariables({ PULUMI_BACKEND_URL: backend, [name]: 'x' }, () =>
          requirePassphrase('dev', 'config: {}\n'),
        );
      }
    });
  }

  it('is not needed with Pulumi Cloud, unless the stack was made with one', () => {
    withVariables({ PULUMI_BACKEND_URL: 'https://api.pulumi.com' }, () => {
      requirePassphrase('dev', 'config: {}\n');
      assert.throws(() => requirePassphrase('dev', salted), /got a backend of your own/);
    });
  });

  it('that is another one is refused in one line, without it', () => {
    const canary = 'another-passphrase-of-a-user';
    const backend = { PULUMI_BACKEND_URL: 'file:///srv/state' };
    withVariables({ ...backend, PULUMI_CONFIG_PASSPHRASE: canary }, () =>
      assert.throws(
        () => refuseWrongPassphrase('dev', salted),
        ({ message }: Error) => {
          assert.match(
            message,
            /^PULUMI_CONFIG_PASSPHRASE: got another passphrase than the one that encrypted stack dev; allowed: that one; fix: set the right one$/,
          );
          assert.deepEqual(leaks(message, new Map([['passphrase', canary]])), []);
          return true;
        },
      ),
    );
    withVariables({ ...backend, PULUMI_CONFIG_PASSPHRASE: 'a' }, () =>
      refuseWrongPassphrase('dev', salted),
    );
  });

  it('says nothing of a stack whose keys another service holds', () => {
    const file = `${salted}secretsprovider: awskms://alias/x\n`;
    assert.deepEqual(encryptionOf(file), { salt, provider: 'awskms://alias/x' });
    withVariables({ PULUMI_BACKEND_URL: 's3://b', PULUMI_CONFIG_PASSPHRASE: 'b' }, () =>
      refuseWrongPassphrase('dev', file),
    );
  });
});
