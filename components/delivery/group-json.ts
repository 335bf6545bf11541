/** How a store keeps a group: one JSON object, keys in the catalog's order. */
export function groupJson(values: Iterable<readonly [string, string]>): string {
  return JSON.stringify(Object.fromEntries(values));
}
