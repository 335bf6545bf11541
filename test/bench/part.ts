/** A page of benchmarks: its tables, and the figures that are not as they have to be. */
export interface Part {
  readonly lines: readonly string[];
  readonly over: readonly string[];
}
