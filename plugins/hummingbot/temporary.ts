/** Where a file's content stands while it is written; what a kill may leave behind. */
export function temporaryOf(path: string): string {
  return `${path}.tmp`;
}
