import { entryOf, type SecretKey } from '../../../components/catalog.ts';
import { ComposeTarget } from './compose-target.ts';
import { conforms } from './suite.ts';
import { everyByteClass } from './values.ts';

class Compose extends ComposeTarget {
  readonly name = 'compose';
  readonly awkward = everyByteClass;
  readonly refused = new Map<string, RegExp>();
  protected readonly flags = ['-f', 'out/dev/compose.yaml'];
  /** By the paths that the container's environment names. */
  protected readonly print =
    'env | while IFS="=" read -r name file; do case "$name" in *_FILE) ' +
    'printf "%s\\0" "${name%_FILE}"; cat "$file"; printf "\\0" ;; esac; done';

  protected fileOf(key: SecretKey): string {
    return `secrets/${entryOf(key).directory}/${key}`;
  }

  async value(key: SecretKey): Promise<string | undefined> {
    return this.content(this.fileOf(key));
  }
}

conforms(new Compose());
