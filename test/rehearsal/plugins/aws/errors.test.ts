import assert from 'node:assert/strict';
import { PluginError } from '../../../../plugins/provider-server.ts';
import { type AwsError, awsError, during } from '../../../../rehearsal/plugins/aws/errors.ts';
import { uniqueId } from '../../../../rehearsal/plugins/aws/unique-id.ts';
import { leaks, makeCanary } from '../../../canary.ts';

describe('an error of AWS', () => {
  const id = '0a1b2c3d-1111-2222-3333-444455556666';
  const exists = {
    $fault: 'client',
    name: 'ResourceExistsException',
    message: 'The operation failed because\n  the secret a already exists.',
    $metadata: { httpStatusCode: 400, requestId: id },
  };

  it('is one line in the words of the official provider, without a stack', () => {
    const error = during(
      'creating Secrets Manager Secret (a)',
      awsError(exists, 'Secrets Manager', 'CreateSecret'),
    ) as AwsError;
    assert.equal(
      error.message,
      `creating Secrets Manager Secret (a): operation error Secrets Manager: CreateSecret, https response error StatusCode: 400, RequestID: ${id}, ResourceExistsException: The operation failed because the secret a already exists.`,
    );
    assert.doesNotMatch(String(error.stack), /\n/);
    assert.equal(error.is('ResourceExistsException', 'already exists'), true);
    assert.equal(error.is('ResourceExistsException', 'deleted'), false);
    assert.ok(error instanceof PluginError);
  });

  it('of the network says what, and no stack', () => {
    const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED', name: 'Error' });
    const { message } = awsError(refused, 'KMS', 'CreateKey');
    assert.equal(message, 'operation error KMS: CreateKey, ECONNREFUSED');
  });

  const value = makeCanary('value');
  const canaries = new Map([['value', value]]);
  /** What may stand in any part of an answer. */
  const echo = `rejected ${JSON.stringify(JSON.stringify({ key: value }))}`;
  const answered = { $fault: 'server', $metadata: { httpStatusCode: 500, requestId: id } };
  const line = (error: object, operation: string): string =>
    awsError(error, 'Secrets Manager', operation).message;

  for (const operation of ['PutSecretValue', 'GetSecretValue', 'UpdateSecret']) {
    it(`of ${operation} has no words, whatever they quote`, () => {
      assert.ok(leaks(echo, canaries).length > 0);
      assert.equal(
        line({ ...answered, name: 'InternalServiceError', message: echo }, operation),
        `operation error Secrets Manager: ${operation}, https response error StatusCode: 500, RequestID: ${id}, InternalServiceError`,
      );
    });
  }

  it('has a code and an id of the shape that they have, or none', () => {
    const $metadata = { httpStatusCode: 500, requestId: value };
    const error = { ...answered, name: echo, message: echo, $metadata };
    assert.equal(
      line(error, 'PutSecretValue'),
      'operation error Secrets Manager: PutSecretValue, https response error StatusCode: 500, RequestID: , error',
    );
  });

  it('does not quote an answer that cannot be read', () => {
    const error = Object.assign(new SyntaxError(`Unexpected token, ${echo}`), {
      $response: {},
      $metadata: { httpStatusCode: 500 },
    });
    assert.match(line(error, 'DescribeSecret'), /StatusCode: 500, RequestID: , SyntaxError$/u);
  });

  it('does not quote what was signed, the token of a session among it', () => {
    const message = `The Canonical String should have been x-amz-security-token:${value}`;
    for (const name of ['SignatureDoesNotMatch', 'InvalidSignatureException', 'ExpiredToken']) {
      const { $metadata } = answered;
      const told = line({ $fault: 'client', name, message, $metadata }, 'DescribeSecret');
      assert.ok(told.endsWith(`RequestID: ${id}, ${name}`), name);
    }
  });
});

describe('a request token', () => {
  it('is as the official provider makes it, of the length that AWS wants, and never twice', () => {
    const made = Array.from({ length: 1000 }, uniqueId);
    for (const token of made) assert.match(token, /^terraform-20\d{16}[0-9a-f]{8}$/);
    assert.equal(new Set(made).size, 1000);
  });
});
