import assert from 'node:assert/strict';
import type { TargetName } from '../../components/delivery/targets.ts';
import { lineOf, type Mistake } from '../../settings/mistake.ts';
import { checkSealing } from '../../settings/sealing.ts';
import { needs } from '../../settings/systems.ts';
import { makeCanary } from '../canary.ts';

const digits = '0a1b2c3d'.repeat(8);
const fingerprint = digits.toUpperCase().match(/../gu)?.join(':') ?? '';

function check(
  config: Readonly<Record<string, unknown>>,
  targets: readonly TargetName[] = ['sealed-secrets'],
) {
  const lines: string[] = [];
  const raw = { stack: 'prod', config, stackFile: undefined, projectDirectory: '/project' };
  const found = (mistake: Mistake): void => void lines.push(lineOf(mistake));
  return { sealing: checkSealing(raw, targets, found), lines };
}

describe('the settings of what is sealed', () => {
  it('name the certificate by a file, a URL or its controller, and its fingerprint', () => {
    for (const certificate of [
      'controller',
      'controller:sealed/sealed-secrets',
      'https://sealed.example.com/v1/cert.pem',
      'certificates/prod.pem',
      '/etc/sealed/prod.pem',
    ]) {
      assert.deepEqual(check({ certificate, certificateFingerprint: fingerprint }), {
        sealing: { certificate, fingerprint },
        lines: [],
      });
    }
  });

  it('take a fingerprint as openssl prints it, or its digits alone', () => {
    for (const text of [digits, digits.toUpperCase(), `sha256 Fingerprint=${fingerprint}`]) {
      assert.equal(check({ certificateFingerprint: text }).sealing?.fingerprint, fingerprint);
    }
  });

  it('are asked for by the one target that seals', () => {
    assert.deepEqual(check({}, ['compose', 'sops']), { sealing: undefined, lines: [] });
  });

  for (const [certificate, command] of [
    ['controller', 'kubeseal --fetch-cert | openssl x509 -noout -fingerprint -sha256'],
    [
      'controller:sealed/other',
      'kubeseal --controller-namespace sealed --controller-name other --fetch-cert | openssl x509 -noout -fingerprint -sha256',
    ],
    [
      'https://x.example/c.pem',
      'curl -fsS https://x.example/c.pem | openssl x509 -noout -fingerprint -sha256',
    ],
    ['c.pem', 'openssl x509 -noout -fingerprint -sha256 -in c.pem'],
  ] as const) {
    it(`name the command that finds the fingerprint of ${certificate}`, () => {
      assert.deepEqual(check({ certificate }).lines, [
        'certificateFingerprint: got nothing; allowed: the SHA-256 of the certificate that is sealed for; ' +
          `fix: pulumi config set certificateFingerprint "$(${command} | cut -d= -f2)" --stack prod`,
      ]);
    });
  }

  it('repeat no certificate that may be a value put in the wrong place', () => {
    const value = 'aB3'.repeat(20);
    for (const certificate of [
      value,
      `https://x.example/${value}`,
      `controller:x/${'a1b2'.repeat(9)}`,
    ]) {
      const { lines } = check({ certificate });
      assert.equal(lines.length, 1);
      assert.doesNotMatch(lines[0] ?? '', /aB3aB3|a1b2a1b2/u);
    }
  });

  it('ask no controller of a stack that is written for git', () => {
    const settings = { sealedInto: 'git', certificateFingerprint: fingerprint };
    assert.deepEqual(check({ ...settings, certificate: 'c.pem' }).lines, []);
    assert.deepEqual(check(settings).lines, [
      'certificate: got "controller", though sealedInto git talks to no cluster; allowed: a PEM file, or a URL; ' +
        'fix: kubeseal --fetch-cert > certificate.pem, and pulumi config set certificate certificate.pem --stack prod',
    ]);
  });

  it('say whether a cluster is needed', () => {
    const targets = ['sealed-secrets'];
    assert.equal(needs({ targets }, 'cluster'), true);
    assert.equal(needs({ targets, sealedInto: 'git' }, 'cluster'), false);
    assert.equal(needs({ targets: ['sops'], sealedInto: 'cluster' }, 'cluster'), false);
  });

  const canary = makeCanary('setting');
  for (const [setting, value] of [
    ['sealedInto', 'vault'],
    ['sealedInto', 7],
    ['sealedInto', canary],
    ['certificate', 'ftp://x/c.pem'],
    ['certificate', 'controller:one'],
    ['certificate', '$(whoami)'],
    ['certificate', true],
    ['certificateFingerprint', digits.slice(2)],
    ['certificateFingerprint', `${fingerprint}:00`],
    ['certificateFingerprint', canary],
    ['certificateFingerprint', 7],
  ] as const) {
    it(`refuse ${value === canary ? 'a value' : value} as ${setting}, in one line that does not show a value`, () => {
      const { lines } = check({ certificateFingerprint: fingerprint, [setting]: value });
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(
        lines[0] ?? '',
        new RegExp(`^${setting}: got .*; allowed: .*; fix: pulumi config set `, 'u'),
      );
      assert.ok(!(lines[0] ?? '').includes(canary));
    });
  }
});
