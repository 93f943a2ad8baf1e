/** One benchmark: what it measures in a line, and its result as JSON. */
export interface Bench {
  readonly what: string;
  run(args: readonly string[]): Promise<unknown> | unknown;
}
