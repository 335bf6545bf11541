/** One package that something here is made of, whatever it comes by. */
export interface Package {
  readonly ecosystem: 'npm' | 'golang' | 'pypi';
  readonly name: string;
  readonly version: string;
  /** By algorithm, in hex; of the file, of a Go module of its tree. */
  readonly hash?: readonly ['SHA-256' | 'SHA-512', string];
  /** As pip takes them, one a file of the release. */
  readonly fileHashes?: readonly string[];
  readonly license?: string;
  /** Whether it only builds and tests. */
  readonly development: boolean;
  /** What asks for it: a folder of rehearsal/, or the project. */
  readonly usedBy: string;
  /** Keys of what it asks for itself. */
  readonly needs: readonly string[];
  /** Whether it runs a program when it is installed. */
  readonly installScript: boolean;
}

/** What names a package in the bill: `npm:semver@7.8.6`. */
export function keyOf({
  ecosystem,
  name,
  version,
}: Pick<Package, 'ecosystem' | 'name' | 'version'>): string {
  return `${ecosystem}:${name}@${version}`;
}

export function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
