/**
 * What a bot reads from its own keystore: asked inside of it, by its own login. Values come into
 * this process and go no further.
 */
import { type CatalogEntry, entryOf, exchanges, type SecretKey } from '../components/catalog.ts';

/** Runs a command inside the bot. */
export type Run = (
  ...command: readonly string[]
) => Promise<{ readonly code: number; readonly stdout: string }>;

/** Pythons of the images: from 2.17 on, and before. */
const pythons = '/home/hummingbot/.venv/bin/python /opt/conda/envs/hummingbot/bin/python';

const program = `
import json, logging, os, sys
os.chdir("/home/hummingbot")
sys.path.insert(0, os.getcwd())
logging.disable(logging.CRITICAL)
from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
from hummingbot.client.config.security import Security
with open("/run/hummingbot/password", encoding="utf-8") as file:
    password = file.read()
if not Security.login(ETHKeyFileSecretManger(password)):
    sys.exit(1)
json.dump({
    f"{name}.{field}": value.get_secret_value()
    for name, config in Security.all_decrypted_values().items()
    for field in type(config.hb_config).model_fields
    for value in [getattr(config.hb_config, field)]
    if hasattr(value, "get_secret_value")
}, sys.stdout)
`;

/** How the bot calls a key: `<connector>.<field>`; undefined for one that it has no field for. */
export function fieldOf(key: SecretKey): string | undefined {
  const { usedWith, field }: CatalogEntry = entryOf(key);
  if (field === undefined || !(usedWith in exchanges)) return undefined;
  return `${exchanges[usedWith as keyof typeof exchanges].connector}.${field}`;
}

/**
 * Decrypted values, by field.
 * @returns undefined when the bot cannot log in
 */
export async function keystoreOf(run: Run): Promise<ReadonlyMap<string, string> | undefined> {
  const found = `for python in ${pythons}; do if [ -x "$python" ]; then exec "$python" -c "$0"; fi; done; exit 1`;
  const { code, stdout } = await run('sh', '-c', found, program);
  if (code !== 0) return undefined;
  return new Map(Object.entries(JSON.parse(stdout) as Record<string, string>));
}

/** Fields that are otherwise in a keystore than they were set: another value, none, or one too many. */
export function differences(
  keystore: ReadonlyMap<string, string>,
  set: ReadonlyMap<SecretKey, string>,
): readonly string[] {
  const wanted = new Map(
    [...set].flatMap(([key, value]) => {
      const field = fieldOf(key);
      return field === undefined ? [] : [[field, value] as const];
    }),
  );
  const all = new Set([...wanted.keys(), ...keystore.keys()]);
  return [...all].filter((field) => wanted.get(field) !== keystore.get(field));
}
