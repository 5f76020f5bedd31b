/** The queue of a domain service's parked keys. */
export const retryQueueOf = (service: string): string => `retry-${service}`;

/** The queue of a destination's notifications: one each, so that a dead one does not keep others waiting. */
export const notifyQueueOf = (destination: string): string => `notify-${destination}`;

/** BullMQ's `prefix`. The braces are Redis Cluster's hash tag: a script may only touch keys of one slot. */
export const keyPrefixOf = (queuePrefix: string): string => `{${queuePrefix}}`;

/** Where the page of queues is on the ops port. */
export const BOARD_PATH = '/queues';
