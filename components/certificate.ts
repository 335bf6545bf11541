/**
 * Whether a certificate is the one that the stack seals for: pinned by its fingerprint, because what
 * is sealed for somebody else's certificate is somebody else's to open.
 */
import * as pulumi from '@pulumi/pulumi';
import {
  type FoundCertificate,
  getCertificate,
  getKubeseal,
} from '../plugins/hummingbot/sealing-resources.ts';
import { lineOf, type Mistake, mayBeValue, pulumiCommand } from '../settings/mistake.ts';
import type { Cluster, Sealing, SealingCertificate } from './systems.ts';

const dayMilliseconds = 24 * 3600 * 1000;
/** Time to set another one. */
const warnedDays = 30;

/**
 * Finds kubeseal and the certificate.
 * @param cluster of the controller, when it is asked for the certificate
 * @throws pulumi.RunError with one line
 */
export async function openCertificate(
  stack: string,
  sealing: Sealing,
  cluster: Pick<Cluster, 'kubeconfig'> | undefined,
): Promise<SealingCertificate> {
  await getKubeseal().catch(refuse(/kubeseal: .*/u));
  const found = await getCertificate({
    source: sealing.certificate,
    ...(cluster && { kubeconfig: cluster.kubeconfig }),
  }).catch(refuse(/(?:certificate|kubeconfig): .*/u));
  const now = Date.now();
  const mistake = mistakeIn(stack, sealing, found, now);
  if (mistake !== undefined) {
    throw new pulumi.RunError(`${lineOf(mistake)}; nothing was changed`);
  }
  const days = Math.floor((Date.parse(found.notAfter) - now) / dayMilliseconds);
  if (days < warnedDays) {
    void pulumi.log.warn(
      `certificate: it ends in ${days} days, on ${dayOf(found.notAfter)}; set the next one before`,
    );
  }
  return { certificate: found.certificate, fingerprint: found.fingerprint };
}

/** What is wrong with a certificate; undefined when nothing is. */
export function mistakeIn(
  stack: string,
  { certificate: source, fingerprint }: Sealing,
  found: FoundCertificate,
  now: number,
): Mistake | undefined {
  const got = found.fingerprint;
  if (got !== fingerprint) {
    const set = pulumiCommand(stack, 'config', 'set', 'certificateFingerprint', got);
    return {
      what: 'certificate',
      got: `SHA-256 ${got}${mayBeValue(source) ? '' : ` from ${source}`}`,
      allowed: `certificateFingerprint ${fingerprint}`,
      fix: `when it is the controller's next one, and you know it: ${set}`,
    };
  }
  const next =
    'kubeseal --fetch-cert > FILE gets the next one; set certificate to it, and its fingerprint';
  if (Date.parse(found.notAfter) <= now) {
    return {
      what: 'certificate',
      got: `one that ended on ${dayOf(found.notAfter)}`,
      allowed: 'one that is valid',
      fix: next,
    };
  }
  if (Date.parse(found.notBefore) > now) {
    return {
      what: 'certificate',
      got: `one that begins on ${dayOf(found.notBefore)}`,
      allowed: 'one that is valid',
      fix: `see that this machine's clock is right, or ${next}`,
    };
  }
  if (found.algorithm !== 'rsa') {
    return {
      what: 'certificate',
      got: `a key of ${found.algorithm}`,
      allowed: 'a key of rsa, as a sealed-secrets controller has it',
      fix: next,
    };
  }
  return undefined;
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}

/** The plugin's own line, out of the engine's words around it. */
function refuse(line: RegExp): (error: unknown) => never {
  return (error) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new pulumi.RunError(`${line.exec(reason)?.[0] ?? reason}; nothing was changed`);
  };
}
