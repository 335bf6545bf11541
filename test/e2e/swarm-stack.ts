/**
 * A stack that is up in the swarm of a rehearsal: one checkout, the environment that `npm run rehearse --
 * STACK shell` gives, and eyes on the engine. Values are compared in this process and shown nowhere.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { isSecretKey, type SecretKey } from '../../components/catalog.ts';
import { DockerApi } from '../../plugins/docker-api.ts';
import { programOf } from '../../rehearsal/debian-packages.ts';
import { keystoreOf } from '../../rehearsal/keystore.ts';
import { Checkout, type Result } from './checkout.ts';
import { pairsIn } from './conformance/values.ts';

interface Running {
  readonly environment: Readonly<Record<string, string>>;
  readonly replacements: Readonly<Record<string, string>>;
}

export interface SwarmSecretFacts {
  readonly id: string;
  readonly name: string;
  readonly key: string;
}

interface ApiObject {
  readonly ID: string;
  readonly Version?: { readonly Index?: number };
  readonly Spec?: { readonly Name?: string; readonly Labels?: Readonly<Record<string, string>> };
}

export class SwarmStack {
  readonly stack = 'prod';
  readonly checkout = new Checkout();
  readonly service = 'hummingbot-prod';
  #running: Running | undefined;

  constructor() {
    this.commit({ targets: ['swarm'], protect: false });
  }

  commit(settings: Readonly<Record<string, unknown>>): void {
    const path = this.checkout.path(`Pulumi.${this.stack}.yaml`);
    const document = parseDocument(readFileSync(path, 'utf8'));
    for (const [setting, value] of Object.entries(settings)) {
      document.setIn(['config', `hummingbot-secrets:${setting}`], value);
    }
    writeFileSync(path, document.toString());
    this.checkout.commit(Object.keys(settings).join());
  }

  get folder(): string {
    return this.checkout.path(`.local/rehearsal/${this.stack}`);
  }

  async rehearse(...words: readonly string[]): Promise<Result> {
    const all = ['run', '--silent', 'rehearse', '--', this.stack, ...words];
    return await this.checkout.run('npm', all);
  }

  async start(): Promise<void> {
    const { code, stdout, stderr } = await this.rehearse('up');
    assert.equal(code, 0, stdout + stderr);
    const text = readFileSync(join(this.folder, 'systems.json'), 'utf8');
    this.#running = JSON.parse(text) as Running;
  }

  async end(): Promise<void> {
    const { code, stderr } = await this.rehearse('down');
    assert.equal(code, 0, stderr);
    this.checkout.remove();
  }

  get #open(): Running {
    if (this.#running === undefined) throw new Error('the rehearsal is not up');
    return this.#running;
  }

  /** Docker host, swarm and node of the rehearsal. */
  get replacements(): Running['replacements'] {
    return this.#open.replacements;
  }

  get environment(): NodeJS.ProcessEnv {
    const own = Object.keys(process.env).filter((each) => /^(?:AWS_|KUBE|DOCKER_)/u.test(each));
    return {
      ...Object.fromEntries(own.map((name) => [name, undefined])),
      ...this.#open.environment,
      HUMMINGBOT_SECRETS_REHEARSAL: this.stack,
    };
  }

  async run(command: string, args: readonly string[], input?: string): Promise<Result> {
    const env = this.environment;
    return await this.checkout.run(command, args, input === undefined ? { env } : { env, input });
  }

  /** `npm start -- WORDS`; agrees to all that it is asked. */
  async npmStart(...words: readonly string[]): Promise<Result> {
    return await this.run('npm', ['start', '--', ...words, '--stack', this.stack, '--yes']);
  }

  async pulumi(words: readonly string[], input?: string): Promise<Result> {
    const all = ['run', '--silent', 'pulumi', '--', ...words, '--stack', this.stack];
    return await this.run('npm', all, input);
  }

  /** Path of the engine's socket. */
  get socket(): string {
    return new URL(this.replacements.dockerHost ?? '').pathname;
  }

  get api(): DockerApi {
    return new DockerApi({ host: this.replacements.dockerHost ?? '' });
  }

  /** A command of the docker CLI; what it prints goes to the caller alone. */
  docker(...words: readonly string[]): { code: number; stdout: string; stderr: string } {
    const env = { ...process.env, ...this.#open.environment };
    const options = { encoding: 'utf8', env } as const;
    const { status, stdout, stderr } = spawnSync(programOf('docker', 'docker.io'), words, options);
    return { code: status ?? 1, stdout, stderr };
  }

  /** Secrets and configs of the stack, or its services. */
  async labelled(path: '/secrets' | '/configs'): Promise<readonly ApiObject[]> {
    const all = (await this.api.list(path)) as unknown as readonly ApiObject[];
    return all.filter(({ Spec }) => Spec?.Labels?.['hummingbot-secrets.stack'] === this.stack);
  }

  async secrets(): Promise<readonly SwarmSecretFacts[]> {
    return (await this.labelled('/secrets')).map(({ ID, Spec }) => {
      const name = Spec?.Name ?? '';
      return { id: ID, name, key: name.replace(/-[0-9a-f]{8}$/u, '') };
    });
  }

  async services(): Promise<readonly ApiObject[]> {
    return (await this.api.list('/services')) as unknown as readonly ApiObject[];
  }

  /** Containers of a service that run. */
  containers(service = this.service): readonly string[] {
    const filter = `label=com.docker.swarm.service.name=${service}`;
    return this.docker('ps', '-q', '--no-trunc', '--filter', filter)
      .stdout.split('\n')
      .filter(Boolean);
  }

  /** The bot's container, of which there is one. */
  bot(service = this.service): string {
    const [container, ...more] = this.containers(service);
    assert.ok(container !== undefined && more.length === 0, `${more.length} more than one bot`);
    return container;
  }

  /** What lies at /run/secrets in a container, by key. */
  readIn(container: string): ReadonlyMap<SecretKey, string> {
    const each = 'printf "%s\\0" "${file##*/}"; cat "$file"; printf "\\0"';
    const all = `for file in /run/secrets/*; do ${each}; done`;
    const { code, stdout } = this.docker('exec', container, 'sh', '-c', all);
    assert.equal(code, 0, 'the container cannot be asked');
    return pairsIn(stdout);
  }

  /** What the bot reads from its keystore, by field. */
  async keystore(container: string): Promise<ReadonlyMap<string, string>> {
    const found = await keystoreOf(async (...command) =>
      this.docker('exec', container, ...command),
    );
    assert.ok(found !== undefined, 'no login');
    return found;
  }

  /** Values that are set; what this prints was asked for. */
  async values(): Promise<ReadonlyMap<SecretKey, string>> {
    const { stdout } = await this.pulumi(['config', '--show-secrets', '--json']);
    this.checkout.forget(stdout);
    const maps = Object.values(JSON.parse(stdout) as Record<string, { objectValue?: object }>);
    return new Map(
      maps
        .flatMap(({ objectValue = {} }) => Object.entries(objectValue))
        .flatMap(([name, value]) => (isSecretKey(name) ? [[name, String(value)] as const] : [])),
    );
  }

  logs(): ReadonlyMap<string, string> {
    const directory = join(this.folder, 'logs');
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    return new Map(
      names
        .filter((name) => name.endsWith('.log'))
        .map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
    );
  }
}
