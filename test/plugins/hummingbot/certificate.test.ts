/** Where a certificate comes from; a real controller is asked in test/e2e/sealed-secrets.e2e.ts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCertificate } from '../../../plugins/hummingbot/certificate.ts';
import { PluginError } from '../../../plugins/provider-server.ts';
import { KubernetesServer } from '../../kubernetes-server.ts';
import { call } from '../calls.ts';

/** Of the test's own, for a hundred years; its key is gone. */
const pem = `-----BEGIN CERTIFICATE-----
MIIDEzCCAfugAwIBAgIUbAFo2BaJvoyYzt/hUk1MdnalvQ4wDQYJKoZIhvcNAQEL
BQAwGDEWMBQGA1UEAwwNc2VhbGVkLXNlY3JldDAgFw0yNjExMjcwNDI0MjlaGA8y
MTI2MTEwMzA0MjQyOVowGDEWMBQGA1UEAwwNc2VhbGVkLXNlY3JldDCCASIwDQYJ
KoZIhvcNAQEBBQADggEPADCCAQoCggEBAI9E7vndoScbdjDk4rJmtND/hGIn2a5i
k0uMfc4BOkLLKZEvXe5t4LsJ1KEO2+gR5yrFIUYlgLVdJs66UGRL1pJ8dbobHYaM
uJsewDCY6/lFpQZHOxEER3yNEeC5aPl0mgRUrnvucBTjDYafp2qcaKfIFqxMNyLS
6q9KP7hBpOiFBgtHFCH5aX8Yl9TdZoGWYYGXw+uG9cvJlFL0I9Fh2+FWjQ9Fxlam
lUH+YaG1E5WRFIA7pAefzaM1tLY1tU7uFKFzpc/Qjt5p2237g5Ts6lNb8BJjL8C8
AD7V1OCVGi7FhM/5GEe2nQgaY5jijX2MbJuc2D+A3b+fqMsorn/QfzcCAwEAAaNT
MFEwHQYDVR0OBBYEFCtJQYKytrC7SnwLhd7vC1OPjOYuMB8GA1UdIwQYMBaAFCtJ
QYKytrC7SnwLhd7vC1OPjOYuMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQEL
BQADggEBAImEiZ2bD8U0QOqUukMNQILThkvnMsiGFcVn1R/Vfeu9iCMP6cVgquV1
yqYKGEU9ewhO4xvNRUzY2DQn9PeCFpjk13kVj1IedOKd3njK+oTYemgzZKnMFU8Z
nDM0U3W+2lIGFELJPP0/Lfk77UyA1Js6nB8O1MKT7Exoyl1Qs8EsR8lTjbt5b7hW
6CW+09AKdQBo3KLsgc2OOO33PxGy0CHDW3x1FI/gK2fx/2DhoEJBevin91SXzTnj
0pTX/L4TTjGA957xLKlLcwIhdSdfMd1ov55IIEf5em9DRYeuit2v/8guyJUoG4H/
gQjf5wghb83XyxXW0IgN2cgmpaPm1CY=
-----END CERTIFICATE-----
`;
const found = {
  certificate: pem,
  fingerprint:
    '0D:26:C9:58:3E:ED:61:31:55:0D:02:93:5C:CD:D1:E0:7F:C6:42:D0:0D:63:37:79:DA:E4:D7:E1:71:4F:C2:00',
  notBefore: '2026-11-27T04:24:29.000Z',
  notAfter: '2126-11-03T04:24:29.000Z',
  algorithm: 'rsa',
};

describe('the certificate that is found', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const get = async (source: string, more: object = {}) =>
    await getCertificate(folder, { source, ...more }, call());
  const refused = async (source: string, reason: RegExp, more: object = {}): Promise<void> => {
    await assert.rejects(get(source, more), (error: Error) => {
      assert.ok(error instanceof PluginError);
      assert.match(error.message, reason);
      assert.ok(!error.message.includes('\n') && !error.message.includes(source));
      return true;
    });
  };

  it('is the same from a file, whatever stands around it, and says when it ends', async () => {
    writeFileSync(join(folder, 'plain.pem'), pem);
    writeFileSync(join(folder, 'noted.pem'), `subject=sealed-secret\n${pem}\n\n`);
    assert.deepEqual(await get('plain.pem'), found);
    assert.deepEqual(await get(join(folder, 'noted.pem')), found);
  });

  it('is refused in one line that shows neither the setting nor what stands there', async () => {
    await refused('none.pem', /^certificate: got ENOENT of its file; allowed: .*; fix: kubeseal /u);
    writeFileSync(join(folder, 'other.pem'), 'a value that was put here');
    await refused('other.pem', /^certificate: got no certificate from there; allowed: PEM /u);
  });

  describe('at a URL', () => {
    let server: Server;
    let url: string;
    beforeEach(async () => {
      server = createServer(({ url: path }, response) => {
        response.writeHead(path === '/cert.pem' ? 200 : 404).end(pem);
      });
      await new Promise<void>((settle) => void server.listen(0, '127.0.0.1', settle));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    it('is what it answers with', async () => {
      assert.deepEqual(await get(`${url}/cert.pem`), found);
    });

    it('is refused when it answers otherwise, or not', async () => {
      await refused(`${url}/other`, /^certificate: got HTTP 404 from its URL; allowed: /u);
      await refused('http://127.0.0.1:1/x', /^certificate: got \w+ from its URL; allowed: /u);
    });
  });

  it('is asked of the controller by the API server, at the first port of its Service', async () => {
    const server = new KubernetesServer();
    await server.start();
    try {
      const kubeconfig = server.kubeconfig();
      const services = '/api/v1/namespaces/kube-system/services';
      const none =
        /certificate: got 404 NotFound from controller kube-system\/sealed-secrets-controller; allowed: /u;
      await assert.rejects(get('controller', { kubeconfig }), none);
      server.put(`${services}/sealed-secrets-controller`, {
        metadata: {},
        spec: { ports: [{ name: 'web' }] },
      });
      await assert.rejects(get('controller', { kubeconfig }), none);
      assert.equal(
        server.requests.at(-1)?.path,
        `${services}/http:sealed-secrets-controller:web/proxy/v1/cert.pem`,
      );
    } finally {
      await server.stop();
    }
  });
});
