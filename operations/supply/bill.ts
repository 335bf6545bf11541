/** The bill of materials: everything that is installed, built or rehearsed with, as CycloneDX 1.6. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Contrib, Enums, Models, Serialize, SPDX, Spec } from '@cyclonedx/cyclonedx-library';
import { goPackages } from './go-modules.ts';
import { npmPackages } from './npm-lock.ts';
import { keyOf, type Package } from './package.ts';
import { pythonPackages } from './requirements.ts';

export interface Materials {
  readonly packages: readonly Package[];
  /** Keys of what the project asks for itself. */
  readonly direct: readonly string[];
}

/** Files below a folder, by their ends, in order. */
function filesBelow(project: string, folder: string, end: RegExp): readonly string[] {
  return readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => end.test(path))
    .map((path) => join(folder, path))
    .sort();
}

export function requirementFiles(project: string): readonly string[] {
  return filesBelow(project, 'rehearsal', /(?:requirements|hummingbot-\d+)\.txt$/u);
}

export function goDirectories(project: string): readonly string[] {
  return filesBelow(project, 'rehearsal', /(?:^|\/)go\.mod$/u).map((path) =>
    path.replace(/\/go\.mod$/u, ''),
  );
}

/** @param project directory of package-lock.json */
export function materialsOf(project: string): Materials {
  const { packages, direct } = npmPackages(join(project, 'package-lock.json'));
  return {
    direct,
    packages: [
      ...packages,
      ...goDirectories(project).flatMap((directory) => goPackages(project, directory)),
      ...requirementFiles(project).flatMap((path) => pythonPackages(project, path)),
    ],
  };
}

/** What a package is addressed by (https://github.com/package-url/purl-spec). */
function purlOf({ ecosystem, name, version }: Package): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  const named = ecosystem === 'pypi' ? path.toLowerCase().replaceAll('_', '-') : path;
  return `pkg:${ecosystem}/${named}@${encodeURIComponent(version)}`;
}

function componentOf(packages: readonly Package[]): Models.Component {
  const [one] = packages;
  if (one === undefined) throw new Error('a component of no package');
  const [group, name] = /^(@[^/]+)\/(.+)$/u.exec(one.name)?.slice(1) ?? [undefined, one.name];
  const { hash, license } = one;
  return new Models.Component(Enums.ComponentType.Library, name ?? one.name, {
    bomRef: keyOf(one),
    version: one.version,
    purl: purlOf(one),
    scope: packages.every(({ development }) => development)
      ? Enums.ComponentScope.Excluded
      : Enums.ComponentScope.Required,
    ...(group !== undefined && { group }),
    ...(hash !== undefined && {
      hashes: new Models.HashDictionary([[hashNames[hash[0]], hash[1]]]),
    }),
    ...(license !== undefined && { licenses: new Models.LicenseRepository([licenseOf(license)]) }),
    properties: new Models.PropertyRepository([
      ...[...new Set(packages.map(({ usedBy }) => usedBy))].map(
        (place) => new Models.Property('hummingbot-secrets:used-by', place),
      ),
      ...(one.fileHashes ?? []).map((each) => new Models.Property('hummingbot-secrets:file', each)),
    ]),
  });
}

function licenseOf(text: string): Models.License {
  if (SPDX.isSupportedSpdxId(text)) return new Models.SpdxLicense(text);
  return / (?:AND|OR|WITH) /u.test(text)
    ? new Models.LicenseExpression(text)
    : new Models.NamedLicense(text);
}

const hashNames = {
  'SHA-256': Enums.HashAlgorithm['SHA-256'],
  'SHA-512': Enums.HashAlgorithm['SHA-512'],
} as const;

/** The JSON text; two of one state differ in the serial number and the time alone. */
export function billOf(project: string): string {
  const { packages, direct } = materialsOf(project);
  const { name, version, license } = JSON.parse(
    readFileSync(join(project, 'package.json'), 'utf8'),
  ) as Readonly<Record<'name' | 'version' | 'license', string>>;
  const byKey = Map.groupBy(packages, keyOf);
  const components = new Map([...byKey].map(([key, each]) => [key, componentOf(each)] as const));
  const refs = (keys: readonly string[]): Models.BomRefRepository =>
    new Models.BomRefRepository(keys.flatMap((key) => components.get(key)?.bomRef ?? []));
  for (const [key, each] of byKey) {
    const component = components.get(key);
    if (component !== undefined) component.dependencies = refs(each.flatMap(({ needs }) => needs));
  }
  const own = new Models.Component(Enums.ComponentType.Application, name, {
    bomRef: name,
    version,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense(license)]),
    dependencies: refs(direct),
  });
  const bom = new Models.Bom({
    serialNumber: Contrib.Bom.Utils.randomSerialNumber(),
    metadata: new Models.Metadata({ component: own, timestamp: new Date() }),
    components: new Models.ComponentRepository(components.values()),
  });
  const normalizer = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const text = new Serialize.JsonSerializer(normalizer).serialize(bom, {
    sortLists: true,
    space: 2,
  });
  return `${text}\n`;
}
