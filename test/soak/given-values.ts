/** New values as `npm run rotate` reads them from its standard input. */
import type { SecretKey } from '../../components/catalog.ts';

export function givenText(values: ReadonlyMap<SecretKey, string>): string {
  return [...values].map(([key, value]) => `${key.toUpperCase()}=${value}\n`).join('');
}
