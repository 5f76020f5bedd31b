import type { Logger } from '#platform/log';
import type { Channel } from './channel.ts';

/**
 * One line in the log: what, about which entity, by which rule. Its words and the row's columns stay out of the log.
 */
export const createLogChannel = (log: Logger): Channel => ({
  deliver: async ({ type, rule, subject, reminder }, { notificationId, sequence, attempt }) => {
    log.info(
      {
        notification: notificationId,
        type,
        rule,
        family: subject.family,
        key: subject.entityId,
        status: subject.status,
        sequence,
        attempt,
        ...(reminder === null ? {} : { hoursBefore: reminder.hours }),
      },
      `notification ${type}`,
    );
    return { kind: 'delivered', response: 'logged' };
  },
  close: async () => undefined,
});
