/** Checks the settings of the target that seals: for which certificate, and where to. */
import { type TargetName, targetOf } from '../components/delivery/targets.ts';
import type { Sealing } from '../components/systems.ts';
import { mayBeValue, pulumiCommand, shown } from './mistake.ts';
import type { Found, RawSettings } from './raw.ts';

const places = ['cluster', 'git'] as const;
type Place = (typeof places)[number];

/** Of a controller, a URL, or a path as of other files. */
const source =
  /^(?:controller(?::[a-z0-9-]{1,63}\/[a-z0-9.-]{1,253})?|https?:\/\/[\w.-]+(?::\d{1,5})?(?:\/[\w.~/-]*)?|[A-Za-z0-9_./][\w./-]*)$/u;
/** As openssl prints it, with what stands before it or without. */
const sha256 = /^(?:sha256 Fingerprint=)?((?:[0-9A-F]{2}:?){31}[0-9A-F]{2})$/iu;

/** @returns what is sealed for; undefined when no target seals */
export function checkSealing(
  raw: RawSettings,
  chosen: readonly TargetName[],
  found: Found,
): Sealing | undefined {
  const needed = chosen.some((name) => targetOf(name).encryptsFor === 'certificate');
  const place = checkPlace(raw, found);
  const certificate = checkCertificate(raw, needed && place === 'git', found);
  const fingerprint = checkFingerprint(raw, needed, certificate, found);
  return needed ? { certificate, fingerprint } : undefined;
}

function checkPlace({ config, stack }: RawSettings, found: Found): Place {
  const value = config.sealedInto ?? 'cluster';
  const place = places.find((each) => each === value);
  if (place !== undefined) return place;
  found({
    what: 'sealedInto',
    got: typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: places.join(', '),
    fix: pulumiCommand(stack, 'config', 'set', 'sealedInto', 'cluster'),
  });
  return 'cluster';
}

/** @param offline whether the stack talks to no cluster, so that no controller can be asked */
function checkCertificate({ config, stack }: RawSettings, offline: boolean, found: Found): string {
  const value = config.certificate ?? 'controller';
  const fits = typeof value === 'string' && source.test(value);
  const file = pulumiCommand(stack, 'config', 'set', 'certificate', 'certificate.pem');
  if (!fits) {
    found({
      what: 'certificate',
      got: typeof value === 'string' ? shown(value) : `a ${typeof value}`,
      allowed: 'a PEM file, a URL, controller, or controller:NAMESPACE/NAME',
      fix: file,
    });
    return 'controller';
  }
  if (offline && /^controller(?::|$)/u.test(value)) {
    found({
      what: 'certificate',
      got: `${shown(value)}, though sealedInto git talks to no cluster`,
      allowed: 'a PEM file, or a URL',
      fix: `kubeseal --fetch-cert > certificate.pem, and ${file}`,
    });
  }
  return value;
}

function checkFingerprint(
  { config, stack }: RawSettings,
  needed: boolean,
  certificate: string,
  found: Found,
): string {
  const value = config.certificateFingerprint ?? '';
  const digits = typeof value === 'string' ? sha256.exec(value)?.[1] : undefined;
  if (digits !== undefined) {
    const pairs = digits.replaceAll(':', '').toUpperCase().match(/../gu) ?? [];
    return pairs.join(':');
  }
  if (value === '' && !needed) return '';
  found({
    what: 'certificateFingerprint',
    got: value === '' ? 'nothing' : typeof value === 'string' ? shown(value) : `a ${typeof value}`,
    allowed: 'the SHA-256 of the certificate that is sealed for',
    fix: pulumiCommand(
      stack,
      'config',
      'set',
      'certificateFingerprint',
      `"$(${reader(certificate)}openssl x509 -noout -fingerprint -sha256${inFile(certificate)} | cut -d= -f2)"`,
    ),
  });
  return '';
}

/** A setting that may be a value is not repeated. */
function named(certificate: string, instead: string): string {
  return mayBeValue(certificate) ? instead : certificate;
}

/** What brings a certificate to openssl's standard input; nothing for a file. */
function reader(certificate: string): string {
  const [, namespace, name] =
    /^controller:([^/]+)\/(.+)$/u.exec(named(certificate, 'controller:NAMESPACE/NAME')) ?? [];
  if (namespace !== undefined && name !== undefined) {
    return `kubeseal --controller-namespace ${namespace} --controller-name ${name} --fetch-cert | `;
  }
  if (certificate === 'controller') return 'kubeseal --fetch-cert | ';
  return /^https?:/u.test(certificate) ? `curl -fsS ${named(certificate, 'URL')} | ` : '';
}

function inFile(certificate: string): string {
  return reader(certificate) === '' ? ` -in ${named(certificate, 'FILE')}` : '';
}
