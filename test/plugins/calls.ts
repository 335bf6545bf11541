/** What a handler is called with, for tests that call it themselves. */
import type { Call } from '../../plugins/provider-server.ts';

export interface RecordedCall extends Call {
  /** What was logged and shown as status. */
  readonly lines: string[];
}

export function call(more: Partial<Call> = {}): RecordedCall {
  const lines: string[] = [];
  return {
    urn: 'urn:pulumi:dev::p::t::n',
    preview: false,
    timeoutSeconds: undefined,
    ignoreChanges: [],
    oldInputs: {},
    marked: {},
    signal: new AbortController().signal,
    log: (severity, message) => lines.push(`${severity}: ${message}`),
    status: (message) => lines.push(message),
    lines,
    ...more,
  };
}
