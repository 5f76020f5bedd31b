/**
 * The member of `known` that a text means: capitals, blanks and hyphens, and a
 * plural `s` make no other value (`HIGH`, `cards`, `Pre-arbitration`: published
 * types of the same entity differ in these). undefined when it means none of them.
 */
export const foldInto = <Known extends string>(known: readonly Known[], text: unknown): Known | undefined => {
  if (typeof text !== 'string') return undefined;
  const exact = known.find((one) => one === text);
  if (exact !== undefined) return exact;
  const plain = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  return known.find((one) => one === plain || `${one}s` === plain);
};
