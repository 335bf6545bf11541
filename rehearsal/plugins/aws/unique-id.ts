/** Request tokens as terraform-plugin-sdk's `id.UniqueId` makes them; they become version ids. */
import { randomBytes } from 'node:crypto';

let made = randomBytes(4).readUInt32BE();

/** `terraform-`, the time in UTC to 0.1 ms, and a number that grows: 36 characters. */
export function uniqueId(): string {
  const time = new Date().toISOString().replaceAll(/\D/gu, '').padEnd(18, '0');
  made = (made + 1) >>> 0;
  return `terraform-${time}${made.toString(16).padStart(8, '0')}`;
}
