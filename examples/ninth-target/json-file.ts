/** Target `json-file`: a JSON file for each program, with its keys and no other. */
import * as pulumi from '@pulumi/pulumi';
import { File, temporaryOf } from '../../plugins/hummingbot/resources.ts';
import type { Key } from '../values.ts';
import { type DeliveryArgs, type FileTarget, FolderDelivery, type Reference } from './delivery.ts';

const mode = '0600';

/** For programs that read one file of their own: `json/condor.json`, `{"telegram_token": "..."}`. */
export class JsonFiles extends FolderDelivery {
  readonly next = 'jq keys json/*.json';

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('JsonFiles', name, args, opts);
    const secrets = args.groups.flatMap((group) => group.secrets);
    for (const program of new Set(secrets.flatMap(({ entry }) => entry.consumers))) {
      const own = secrets.filter(({ entry }) => entry.consumers.includes(program));
      const content = pulumi
        .all(own.map(({ value }) => value))
        .apply((values) =>
          JSON.stringify(Object.fromEntries(own.map(({ key }, at) => [key, values[at]]))),
        );
      new File(
        `${name}-${program}`,
        { root: args.root, path: `${args.stack}/${pathFor(program)}`, content, mode },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }

  /** A program that reads such a file is told of it once, and of no key. */
  protected override reference({ key }: Key): Reference {
    return { key, environment: {} };
  }
}

const pathFor = (program: string): string => `json/${program}.json`;

export const jsonFile: FileTarget = {
  kind: 'files',
  needs: [],
  valuePaths: (entries) =>
    [...new Set([...entries.values()].flatMap(({ consumers }) => consumers))].flatMap((program) => [
      pathFor(program),
      temporaryOf(pathFor(program)),
    ]),
  trace: ({ key, entry }) => ({
    path: pathFor(entry.consumers[0] ?? ''),
    mode,
    holds: (content, value) => {
      const member = `${JSON.stringify(key)}:`;
      return content.includes(value === undefined ? member : member + JSON.stringify(value));
    },
  }),
  claims: ['json/'],
  refuses: () => undefined,
  deliver: (name, args, opts) => new JsonFiles(name, args, opts),
};
