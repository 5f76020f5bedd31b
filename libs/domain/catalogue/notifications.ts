/** How far a notification has come, as its row says: the notifier moves it, operators list and revive by it. */
export const notificationStatuses = ['pending', 'retrying', 'delivered', 'failed', 'cancelled'] as const;
export type NotificationStatus = (typeof notificationStatuses)[number];
