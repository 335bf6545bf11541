import assert from 'node:assert/strict';
import { entryOf, type SecretKey } from '../../../components/catalog.ts';
import { directory, FileTarget } from './file-target.ts';
import { conforms } from './suite.ts';
import { everyByteClass, pairsIn } from './values.ts';

/** A program that reads its file and says what it has: names and values, each ended by a NUL. */
const program = `
  const keys = JSON.parse(require('node:fs').readFileSync(process.argv[1], 'utf8'));
  for (const [key, value] of Object.entries(keys)) process.stdout.write(key + '\\0' + value + '\\0');
`;

class JsonFile extends FileTarget {
  readonly name = 'json-file';
  readonly awkward = everyByteClass;
  readonly refused = new Map<string, RegExp>();

  protected fileOf(key: SecretKey): string {
    return `json/${entryOf(key).consumers[0]}.json`;
  }

  async read(): Promise<ReadonlyMap<SecretKey, string>> {
    return await this.#keysIn('json/hummingbot.json');
  }

  async value(key: SecretKey): Promise<string | undefined> {
    const file = this.fileOf(key);
    return this.content(file) === undefined ? undefined : (await this.#keysIn(file)).get(key);
  }

  async #keysIn(file: string): Promise<ReadonlyMap<SecretKey, string>> {
    const words = ['--eval', program, `${directory}/${file}`];
    const { code, stdout, stderr } = await this.run('node', words);
    assert.equal(code, 0, stderr);
    // It was asked for: no leak.
    this.checkout.forget(stdout);
    return pairsIn(stdout);
  }
}

conforms(new JsonFile());
