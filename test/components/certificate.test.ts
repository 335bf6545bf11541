/** Which certificate is sealed for; that a controller opens it is proven by test/e2e. */
import assert from 'node:assert/strict';
import { mistakeIn } from '../../components/certificate.ts';
import { lineOf } from '../../settings/mistake.ts';

const fingerprint = Array(32).fill('0A').join(':');
const other = Array(32).fill('FF').join(':');
const sealing = { certificate: 'prod.pem', fingerprint };
const found = {
  certificate: 'PEM',
  fingerprint,
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2036-01-01T00:00:00.000Z',
  algorithm: 'rsa',
};
const now = Date.parse('2026-11-27T00:00:00Z');
const line = (more: object, at = now): string => {
  const mistake = mistakeIn('prod', sealing, { ...found, ...more }, at);
  return mistake === undefined ? '' : lineOf(mistake);
};

describe('the certificate', () => {
  it('is taken when it is the one that the settings pin, within its time', () => {
    assert.equal(line({}), '');
  });

  it('is refused when it is another, with the command that takes it', () => {
    assert.equal(
      line({ fingerprint: other }),
      `certificate: got SHA-256 ${other} from prod.pem; allowed: certificateFingerprint ${fingerprint}; ` +
        `fix: when it is the controller's next one, and you know it: pulumi config set certificateFingerprint ${other} --stack prod`,
    );
  });

  it('is refused from the moment that it ends, and until it begins', () => {
    const end = Date.parse(found.notAfter);
    assert.equal(line({}, end - 1), '');
    assert.match(
      line({}, end),
      /^certificate: got one that ended on 2036-01-01; allowed: one that is valid; fix: kubeseal --fetch-cert > FILE /u,
    );
    assert.match(
      line({}, Date.parse(found.notBefore) - 1),
      /^certificate: got one that begins on 2026-01-01; allowed: .*clock/u,
    );
  });

  it('is refused when no controller could have it', () => {
    assert.match(
      line({ algorithm: 'ec' }),
      /^certificate: got a key of ec; allowed: a key of rsa/u,
    );
  });
});
