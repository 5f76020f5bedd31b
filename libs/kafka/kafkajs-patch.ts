import { createRequire } from 'node:module';

const require = createRequire(import.meta.filename);

/** The version whose internals this folder knows. Another one must be read again before it is used. */
const KNOWN_VERSION = '2.2.4';
/** How soon pending requests are looked at again when nothing throttles them, in ms; kafkajs' own number. */
const CHECK_PENDING_MS = 10;

/** The part of kafkajs' request queue (src/network/requestQueue/index.js) that the patch touches. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** kafkajs is not an ES module and its internals are not in its types; both are reached from here only. */
export const kafkajsInternal = (path: string): unknown => require(`kafkajs/${path}`);

/** Throws when another kafkajs is installed than the one whose internals are replaced here. */
export const assertKnownKafkajs = (): void => {
  const { version } = kafkajsInternal('package.json') as { version: string };
  if (version !== KNOWN_VERSION)
    throw new Error(
      `kafkajs is ${version}; libs/kafka patches ${KNOWN_VERSION}. Install that version, or check the ` +
        'patches against the new one.',
    );
};

/**
 * Stops the timer that kafkajs 2.2.4 sets every millisecond on every idle connection: 3 % of a core per process
 * (tulios/kafkajs#1556, #1704), and on Node 24 a TimeoutNegativeWarning (#1751). A timer is now set only when requests
 * wait or the broker throttles. Applying it again changes nothing.
 */
export const patchIdleTimer = (): void => {
  assertKnownKafkajs();
  const { prototype } = kafkajsInternal('src/network/requestQueue/index.js') as { prototype: RequestQueue };
  prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
};

function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null) return;
  const throttledMs = this.throttledUntil - Date.now();
  if (this.pending.length === 0 && throttledMs <= 0) return;
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? throttledMs : CHECK_PENDING_MS,
  );
}
