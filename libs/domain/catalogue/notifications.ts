import type { Priority } from './families.ts';

/** How far a notification has come, as its row says: the notifier moves it, operators list and revive by it. */
export const notificationStatuses = ['pending', 'retrying', 'delivered', 'failed', 'cancelled'] as const;
export type NotificationStatus = (typeof notificationStatuses)[number];

/** Of what is told afterwards (sent again by hand, or history for a new destination): whatever is new goes first. */
export const AFTERWARDS = 5;
/** How urgent a job is, 1 first. */
export type JobPriority = Priority | typeof AFTERWARDS;
