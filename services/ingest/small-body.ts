/**
 * Bodies up to this many bytes are small; the largest that Razorpay
 * is known to send have 7 kB (docs/reference/razorpay.md).
 */
export const SMALL_BODY_BYTES = 64 * 1024;
