import assert from 'node:assert/strict';
import { PluginError } from '../../../../plugins/provider-server.ts';
import { type AwsError, awsError, during } from '../../../../rehearsal/plugins/aws/errors.ts';
import { uniqueId } from '../../../../rehearsal/plugins/aws/unique-id.ts';
import { leaks, makeCanary } from '../../../canary.ts';

describe('an error of AWS', () => {
  const exists = {
    name: 'ResourceExistsException',
    message: 'The operation failed because\n  the secret a already exists.',
    $metadata: { httpStatusCode: 400, requestId: 'id' },
  };

  it('is one line in the words of the official provider, without a stack', () => {
    const error = during(
      'creating Secrets Manager Secret (a)',
      awsError(exists, 'Secrets Manager', 'CreateSecret', {}),
    ) as AwsError;
    assert.equal(
      error.message,
      'creating Secrets Manager Secret (a): operation error Secrets Manager: CreateSecret, https response error StatusCode: 400, RequestID: id, ResourceExistsException: The operation failed because the secret a already exists.',
    );
    assert.doesNotMatch(String(error.stack), /\n/);
    assert.equal(error.is('ResourceExistsException', 'already exists'), true);
    assert.equal(error.is('ResourceExistsException', 'deleted'), false);
    assert.ok(error instanceof PluginError);
  });

  it('of the network says what, and no stack', () => {
    const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED', name: 'Error' });
    const { message } = awsError(refused, 'KMS', 'CreateKey', {});
    assert.equal(message, 'operation error KMS: CreateKey, ECONNREFUSED: ');
  });

  it('never quotes what was put, whole, by key, or as JSON writes it', () => {
    const value = makeCanary('value');
    const pem = `${makeCanary('pem')}"\n${makeCanary('pem2')}`;
    const SecretString = JSON.stringify({ key: value, pem });
    const message = `rejected ${SecretString} with ${value} and ${pem} and ${JSON.stringify(pem)}`;
    const error = awsError({ name: 'X', message }, 'Secrets Manager', 'PutSecretValue', {
      SecretString,
    });
    const canaries = new Map([
      ['value', value],
      ['text', SecretString],
      ...pem.split('"\n').map((part, at) => [`pem ${at}`, part] as const),
    ]);
    assert.ok(leaks(message, canaries).length > 0);
    assert.deepEqual(leaks(`${error.message}${error.reason}${error.stack}`, canaries), []);
  });
});

describe('a request token', () => {
  it('is as the official provider makes it, of the length that AWS wants, and never twice', () => {
    const made = Array.from({ length: 1000 }, uniqueId);
    for (const token of made) assert.match(token, /^terraform-20\d{16}[0-9a-f]{8}$/);
    assert.equal(new Set(made).size, 1000);
  });
});
