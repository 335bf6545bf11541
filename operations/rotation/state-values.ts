/** What only the state knows: generated values, and the key of the tags. They stay in this process. */
import { tag } from '../../components/values.ts';
import { CommandError } from '../engine/command-error.ts';
import type { Engine } from '../engine/engine.ts';
import { statePasswords } from '../engine/state-passwords.ts';

export class StateValues {
  readonly #passwords: ReadonlyMap<string, string>;

  private constructor(passwords: ReadonlyMap<string, string>) {
    this.#passwords = passwords;
  }

  /** @throws CommandError when the state cannot be opened */
  static async of(engine: Engine): Promise<StateValues> {
    const passwords = await statePasswords(engine);
    if (typeof passwords === 'number') {
      const { stack } = engine;
      throw new CommandError(
        `state of stack ${stack}: got exit code ${passwords} from pulumi stack export; allowed: a state that opens; fix: npm run pulumi -- stack export --stack ${stack} says why`,
      );
    }
    return new StateValues(passwords);
  }

  /** @param path `infrastructure.postgres_password` */
  generated(path: string): string | undefined {
    return this.#passwords.get(path.replace('.', '-'));
  }

  /** The tag that a key's value has, or will have; public. */
  tagOf(path: string, value: string): string {
    const key = this.#passwords.get('tag-key');
    if (key === undefined) throw new Error('the state has no key of the tags');
    return tag(key, [[path.split('.')[1] ?? '', value]]);
  }
}
