/** What `promise` gives, or nothing after `ms`; then its outcome is of no interest any more. */
export const within = async <Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> => {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ms, undefined);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
