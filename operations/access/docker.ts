/**
 * Who reaches a Docker engine, which is root on its machine and reads whatever a container mounts; and
 * which services of a swarm have the stack's secrets.
 */
import { type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { filters } from '../../plugins/docker-api.ts';
import type { SwarmApi } from '../doctor/swarm.ts';
import { codeOf } from './file-system.ts';
import type { Answers, Finding } from './finding.ts';
import type { Accounts } from './unix-accounts.ts';

export interface SocketScope {
  /** `unix:///PATH`, or another machine's. */
  readonly host: string;
  /** Names of this machine's users who may read everything. */
  readonly administrators: readonly string[];
}

const system = 'Docker';
const socketFix = (who: string, group: string): string =>
  `gpasswd --delete ${who} ${group}, or list User:${who} in administrators`;

export function lookAtSocket(
  { host, administrators }: SocketScope,
  accounts: Accounts,
  // Of a link, what it leads to: the mode of a link says nothing.
  stat: (path: string) => Stats | undefined = (path) => statSync(path, { throwIfNoEntry: false }),
  me = userInfo().username,
): Answers {
  if (!host.startsWith('unix://')) {
    const got = `${host}, a socket of another machine`;
    const fix = 'there: getent group docker, and who has a certificate or a login';
    return { findings: [], unasked: [{ system, got, fix }] };
  }
  const path = host.slice('unix://'.length);
  let found: Stats | undefined;
  try {
    found = stat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    const fix = `ls -lL ${path}, by somebody who may`;
    return { findings: [], unasked: [{ system, got: `${code} of ${path}`, fix }] };
  }
  // No engine, and so nothing that anybody could reach.
  if (found === undefined) return { findings: [], unasked: [] };
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  const expectedOf = (who: string): string | undefined => {
    if (who === me || who === 'root') return 'runs this stack';
    return administrators.includes(who) ? 'administrators' : undefined;
  };
  const finding = (who: string, cause: string, fix: string): Finding => {
    const expected = expectedOf(who);
    return {
      system,
      who: `User:${who}`,
      way: 'reach the socket',
      secrets: [],
      expected,
      cause,
      fix: expected === undefined ? fix : '',
    };
  };
  const group = accounts.groupOf(found.gid);
  const inGroup = (found.mode & 0o060) === 0 ? [] : accounts.membersOf(found.gid);
  const everybody: readonly Finding[] =
    (found.mode & 0o002) === 0
      ? []
      : [
          {
            system,
            who: 'everybody',
            way: 'reach the socket',
            secrets: [],
            cause: `mode ${mode} of ${path}`,
            fix: `chmod o-rw ${path}`,
          },
        ];
  return {
    findings: [
      ...everybody,
      ...inGroup.map((who) =>
        finding(who, `group ${group}, mode ${mode} of ${path}`, socketFix(who, group)),
      ),
      ...(found.uid === 0
        ? []
        : [finding(accounts.userOf(found.uid), `owner of ${path}`, `chown root ${path}`)]),
    ],
    unasked: [],
  };
}

interface Service {
  readonly Spec?: {
    readonly Name?: string;
    readonly TaskTemplate?: {
      readonly ContainerSpec?: { readonly Secrets?: readonly { readonly SecretName?: string }[] };
    };
  };
}

interface DockerSecret {
  readonly Spec?: { readonly Name?: string };
}

/** @throws DockerError, DockerUnreachable when the swarm cannot be asked */
export async function lookAtServices(
  api: SwarmApi,
  {
    stack,
    service,
    host,
  }: { readonly stack: string; readonly service: string; readonly host: string },
): Promise<readonly Finding[]> {
  const query = filters({ label: [`hummingbot-secrets.stack=${stack}`] });
  const [secrets, services] = (await Promise.all([
    api.list('/secrets', { query }),
    api.list('/services'),
  ])) as [readonly DockerSecret[], readonly Service[]];
  const ours = new Set(secrets.flatMap(({ Spec }) => Spec?.Name ?? []));
  return services.flatMap(({ Spec }) => {
    const { Name: name = '', TaskTemplate } = Spec ?? {};
    const mounted = (TaskTemplate?.ContainerSpec?.Secrets ?? [])
      .map(({ SecretName = '' }) => SecretName)
      .filter((each) => ours.has(each));
    if (mounted.length === 0) return [];
    const expected = name === service ? 'the bot' : undefined;
    const removed = mounted.map((each) => `--secret-rm ${each}`).join(' ');
    return [
      {
        system,
        who: `service ${name}`,
        way: 'mount',
        secrets: mounted,
        expected,
        cause: `service ${name}`,
        fix:
          expected === undefined ? `docker --host ${host} service update ${removed} ${name}` : '',
      },
    ];
  });
}
