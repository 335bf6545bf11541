/** What lies in a rehearsal's etcd, as its own backup has it, and key by key. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

/** Asks etcd's JSON gateway as the API server does. @returns its answers, one a line */
async function ask(folder: string, address: string, path: string, body: object): Promise<string> {
  const pki = (name: string): Buffer => readFileSync(join(folder, 'pki', name));
  const options = {
    method: 'POST',
    agent: false,
    ca: pki('ca.crt'),
    cert: pki('etcd-client.crt'),
    key: pki('etcd-client.key'),
  };
  return await new Promise((settle, fail) => {
    const asked = request(`https://${address}:2379${path}`, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', fail);
      answer.on('end', () => settle(Buffer.concat(chunks).toString()));
    });
    asked.on('error', fail);
    asked.end(JSON.stringify(body));
  });
}

/** What `etcdctl snapshot save` would write. */
export async function etcdBackup(folder: string, address: string): Promise<Buffer> {
  const text = await ask(folder, address, '/v3/maintenance/snapshot', {});
  const parts = text.split('\n').filter((line) => line !== '');
  return Buffer.concat(
    parts.map((line) => {
      const { result } = JSON.parse(line) as { result: { blob?: string } };
      return Buffer.from(result.blob ?? '', 'base64');
    }),
  );
}

/** Values of all keys that begin alike, by their key. */
export async function etcdValues(
  folder: string,
  address: string,
  prefix: string,
): Promise<ReadonlyMap<string, Buffer>> {
  const key = Buffer.from(prefix);
  // The first key that does not begin so.
  const end = Buffer.concat([key.subarray(0, -1), Buffer.from([(key.at(-1) ?? 0) + 1])]);
  const range = { key: key.toString('base64'), range_end: end.toString('base64') };
  const text = await ask(folder, address, '/v3/kv/range', range);
  const { kvs = [] } = JSON.parse(text) as { kvs?: { key: string; value: string }[] };
  return new Map(
    kvs.map((each) => [
      Buffer.from(each.key, 'base64').toString(),
      Buffer.from(each.value, 'base64'),
    ]),
  );
}
