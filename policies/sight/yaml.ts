/** Reads YAML that a resource writes to a file. */
import { parseAllDocuments } from 'yaml';

/** @returns the documents; none of a text that is no YAML */
export function documentsOf(text: unknown): readonly unknown[] {
  if (typeof text !== 'string') return [];
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((each) => (each.errors.length > 0 ? [] : [each.toJS() as unknown]));
}
