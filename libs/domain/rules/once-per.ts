/**
 * Makes one thing per key, at the first time it is asked for. The idiom for metrics: several services of a process
 * share a registry, so the instruments of a kind are made once per registry.
 */
export const oncePer = <Key extends object, Made>(make: (key: Key) => Made): ((key: Key) => Made) => {
  const made = new WeakMap<Key, { readonly value: Made }>();
  return (key) => {
    const existing = made.get(key);
    if (existing !== undefined) return existing.value;
    const value = make(key);
    made.set(key, { value });
    return value;
  };
};
