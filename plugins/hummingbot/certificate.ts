/**
 * `hummingbot:index:getCertificate`: the certificate that a sealed-secrets controller opens what was
 * sealed for, from where the settings say: a file, a URL, or the controller itself. What it says of
 * itself is handed on; whether it is the right one is the program's to judge. No message shows the
 * setting: it may be a value that was put in the wrong place.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { KubernetesApi, KubernetesError, UnreachableError } from '../kubernetes-api.ts';
import { type Call, PluginError, type Properties } from '../provider-server.ts';

const largestBytes = 65_536;
const timeoutMilliseconds = 30_000;
const fetchIt = 'fix: kubeseal --fetch-cert > FILE, with the setting certificate';

/** `controller` alone is the one of the project's own manifests. */
const controllerPattern = /^controller(?::([a-z0-9-]+)\/([a-z0-9.-]+))?$/u;
const standard = ['kube-system', 'sealed-secrets-controller'] as const;

/**
 * @param project directory that a relative path is relative to
 * @returns `certificate` (PEM), `fingerprint` (SHA-256, as openssl prints it), `notBefore` and
 *   `notAfter` (ISO), `algorithm` of its key
 * @throws PluginError in one line
 */
export async function getCertificate(
  project: string,
  args: Properties,
  call: Call,
): Promise<Properties> {
  const source = String(args.source);
  const text = await textFrom(project, source, args.kubeconfig, call.signal);
  let found: X509Certificate;
  try {
    found = new X509Certificate(text);
  } catch {
    throw new PluginError(
      `certificate: got no certificate from there; allowed: PEM of a sealed-secrets controller; ${fetchIt}`,
    );
  }
  return {
    // The same certificate is the same text, whatever stood around it.
    certificate: found.toString(),
    fingerprint: found.fingerprint256,
    notBefore: new Date(found.validFrom).toISOString(),
    notAfter: new Date(found.validTo).toISOString(),
    algorithm: found.publicKey.asymmetricKeyType ?? 'unknown',
  };
}

async function textFrom(
  project: string,
  source: string,
  kubeconfig: unknown,
  signal: AbortSignal,
): Promise<string> {
  const controller = controllerPattern.exec(source);
  if (controller !== null) {
    const [, namespace = standard[0], name = standard[1]] = controller;
    return await fromController(String(kubeconfig ?? ''), namespace, name, signal);
  }
  return /^https?:/u.test(source) ? await fromUrl(source, signal) : await fromFile(project, source);
}

async function fromFile(project: string, path: string): Promise<string> {
  try {
    const content = await readFile(resolve(project, path), 'latin1');
    return content.slice(0, largestBytes);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new PluginError(
      `certificate: got ${code} of its file; allowed: one that can be read; ${fetchIt}`,
    );
  }
}

async function fromUrl(url: string, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]);
  let got: string;
  try {
    const answer = await fetch(url, { signal: limit });
    if (answer.ok) return (await answer.text()).slice(0, largestBytes);
    got = `HTTP ${answer.status}`;
  } catch (error) {
    const { cause, name } = error as Error & { cause?: NodeJS.ErrnoException };
    got = cause?.code ?? name;
  }
  throw new PluginError(
    `certificate: got ${got} from its URL; allowed: a URL that answers with PEM; ${fetchIt}`,
  );
}

/** As kubeseal asks for it: by the API server, at the first port of the controller's Service. */
async function fromController(
  kubeconfig: string,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const api = await KubernetesApi.connect(kubeconfig);
  const service = `/api/v1/namespaces/${namespace}/services`;
  try {
    const { spec } = await api.get(`${service}/${name}`, { signal });
    const { ports } = (spec ?? {}) as { readonly ports?: readonly { readonly name?: string }[] };
    const port = ports?.[0]?.name ?? '';
    return await api.text(`${service}/http:${name}:${port}/proxy/v1/cert.pem`, { signal });
  } catch (error) {
    if (!(error instanceof KubernetesError || error instanceof UnreachableError)) throw error;
    const got =
      error instanceof KubernetesError
        ? [error.code, error.reason].filter((each) => each !== '').join(' ')
        : error.code;
    throw new PluginError(
      `certificate: got ${got} from controller ${namespace}/${name}; allowed: one that answers; ` +
        `fix: kubeseal --controller-namespace ${namespace} --controller-name ${name} --fetch-cert says why; ` +
        'another one is set by certificate controller:NAMESPACE/NAME',
    );
  }
}
