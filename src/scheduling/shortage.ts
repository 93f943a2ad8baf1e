/** What keeps a request off a node: the resource that lacks most, with the figures. */
export interface Shortage {
  readonly resource: string;
  readonly asked: number;
  readonly free: number;
}
