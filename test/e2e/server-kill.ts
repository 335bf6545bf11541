/** kill -9 of a server of a rehearsal, and its start anew as whoever watches over it would do it. */
import { readFileSync } from 'node:fs';
import { programOf } from '../../rehearsal/debian-packages.ts';
import { enclosureIn } from '../../rehearsal/servers/cluster.ts';
import { eventually } from '../../rehearsal/servers/kubernetes-client.ts';
import { Servers } from '../../rehearsal/servers/process.ts';
import type { RehearsedStack } from './rehearsed-stack.ts';

/** As `npm run rehearse -- STACK status` names them. */
export const killable = [
  'kube-apiserver',
  'etcd',
  'kube-controller-manager',
  'external-secrets',
  'kube-scheduler',
] as const;

export type Killable = (typeof killable)[number];

/** Seconds in which a server that was started anew has to answer. */
const healthySeconds = 60;

/** @returns what starts it anew, with the same words and variables, and waits until the API answers */
export function killServer(stack: RehearsedStack, name: Killable): () => Promise<void> {
  const servers = new Servers(stack.folder);
  const record = servers.running(name);
  const enclosure = enclosureIn(stack.folder);
  if (record === undefined || enclosure === undefined) throw new Error(`${name} does not run`);
  const of = (file: string): string[] =>
    readFileSync(`/proc/${record.pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  const [words, variables] = [of('cmdline'), of('environ')];
  process.kill(record.pid, 'SIGKILL');
  return async () => {
    // The operator has this machine's network and files, and only the processes of the others.
    const outside = [programOf('nsenter', 'util-linux'), '--target', `${enclosure.record.pid}`];
    const command =
      name === 'external-secrets' ? [...outside, '--pid', ...words] : enclosure.enter(words);
    const environment = Object.fromEntries(
      variables.map((line) => line.split(/=(.*)/su).slice(0, 2) as [string, string]),
    );
    await servers.spawn({ name, command, environment, forks: true });
    const answers = await eventually(healthySeconds, async () => {
      const { namespace } = stack;
      return Boolean(await stack.access.core.readNamespace({ name: namespace }));
    });
    if (!answers) throw new Error(`the API does not answer after a kill of ${name}`);
  };
}
