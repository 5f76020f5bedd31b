export interface Document {
  /** From the root of the checkout. */
  readonly path: string;
  /** The whole text, made from the code and, where a page also holds prose, from what it is now. */
  readonly render: (current: string) => string;
}
