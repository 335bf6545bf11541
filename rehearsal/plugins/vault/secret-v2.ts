/**
 * `vault:kv/secretV2:SecretV2`, after vault/resource_kv_secret_v2.go: any change writes a version,
 * and then the metadata.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type Properties } from '../../../plugins/provider-server.ts';
import type { VaultApi } from '../../../plugins/vault-api.ts';
import { flag, json, tagMap, text } from '../aws/attributes.ts';
import { VaultResource } from './vault-resource.ts';

interface CustomMetadata {
  readonly casRequired?: boolean;
  readonly maxVersions?: number;
  readonly deleteVersionAfter?: number;
  readonly data?: Readonly<Record<string, string>>;
}

export class SecretV2 extends VaultResource {
  protected override readonly noun = 'KV version 2 secret';
  protected override readonly attributes = {
    customMetadata: { input: 'optional', computed: true, same: sameMetadata, mistake: metadata },
    data: { secret: true },
    dataJson: { input: 'required', secret: true, mistake: json, same: sameJson },
    deleteAllVersions: { input: 'optional', default: false, mistake: flag },
    metadata: {},
    mount: { input: 'required', replaces: true, mistake: text },
    name: { input: 'required', replaces: true, mistake: text },
    options: { input: 'optional', mistake: tagMap },
    path: {},
  } as const;

  protected override idOf({ mount, name }: Properties): string {
    return `${mount}/data/${name}`;
  }

  protected override async write(
    api: VaultApi,
    inputs: Properties,
    made: () => void,
  ): Promise<void> {
    const { mount, name, options, customMetadata } = inputs;
    const data: unknown = JSON.parse(String(inputs.dataJson));
    await api.write(`${mount}/data/${name}`, { data, options: options ?? {} });
    made();
    if (!isObject(customMetadata)) return;
    const { casRequired, maxVersions, deleteVersionAfter, data: custom } = customMetadata;
    await api.write(`${mount}/metadata/${name}`, {
      // As Terraform's GetOk: what is zero is not sent.
      ...(casRequired === true && { cas_required: true }),
      ...(Number(maxVersions ?? 0) > 0 && { max_versions: maxVersions }),
      ...(Number(deleteVersionAfter ?? 0) > 0 && { delete_version_after: deleteVersionAfter }),
      ...(isObject(custom) && Object.keys(custom).length > 0 && { custom_metadata: custom }),
    });
  }

  /** A deleted version is there, with `null` for its data. */
  protected override async look(
    api: VaultApi,
    id: string,
    state: Properties,
  ): Promise<Properties | undefined> {
    const found = await api.read(id);
    if (found === undefined) return undefined;
    const [, mount = '', name = ''] = /^(.+?)\/data\/(.+)$/u.exec(id) ?? [];
    const data = isObject(found.data) ? found.data : null;
    const own = isObject(found.metadata) ? found.metadata : {};
    const outs: Properties = {
      ...state,
      mount,
      name,
      path: id,
      dataJson: JSON.stringify(data),
      data: asTexts(data ?? {}),
      metadata: asTexts(own),
    };
    if (!('custom_metadata' in own)) return outs;
    const { cas_required, max_versions, delete_version_after, custom_metadata } =
      (await api.read(`${mount}/metadata/${name}`)) ?? {};
    return {
      ...outs,
      customMetadata: {
        casRequired: cas_required === true,
        maxVersions: Number(max_versions ?? 0),
        deleteVersionAfter: secondsOf(String(delete_version_after ?? '0s')),
        data: isObject(custom_metadata) ? custom_metadata : {},
      },
    };
  }

  protected override async remove(api: VaultApi, id: string, state: Properties): Promise<void> {
    const { mount, name, deleteAllVersions } = state;
    await api.remove(deleteAllVersions === true ? `${mount}/metadata/${name}` : id);
  }
}

/** Terraform's map of strings: what is none is JSON. */
function asTexts(values: Properties): Properties {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

/** Go's duration, such as 3h12m10s, in seconds. */
function secondsOf(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
  return [...duration.matchAll(/([\d.]+)([hms])/gu)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0),
    0,
  );
}

function metadata(value: unknown): string | undefined {
  const known = ['casRequired', 'maxVersions', 'deleteVersionAfter', 'data'];
  const fine = isObject(value) && Object.keys(value).every((name) => known.includes(name));
  return fine ? undefined : `allowed: a map of ${known.join(', ')}`;
}

/** What is not said is Terraform's zero. */
function sameMetadata(old: unknown, now: unknown): boolean {
  const whole = (value: unknown) => {
    const { casRequired, maxVersions, deleteVersionAfter, data }: CustomMetadata = isObject(value)
      ? value
      : {};
    return [casRequired ?? false, maxVersions ?? 0, deleteVersionAfter ?? 0, data ?? {}];
  };
  return isDeepStrictEqual(whole(old), whole(now));
}

function sameJson(old: unknown, now: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(String(old)), JSON.parse(String(now)));
  } catch {
    return false;
  }
}
