import type { Receiver } from '#kit';
import { at, notifying, receiving, useReceivers } from '../../test/kit/notify/notifying.ts';

jest.setTimeout(60_000);
useReceivers();

const HOUR = 3_600_000;
const disputeRules = (receiver: Receiver): string => `destinations: {team: ${at(receiver)}}
rules:
  - {name: disputes, when: [dispute.opened, dispute.under_review], to: team, reminders: {before: respond_by, hours: [72, 24, 6], while: [open, action_required]}}
`;
const hoursOf = (receiver: Receiver): readonly (number | string)[] =>
  receiver.received
    .map(
      ({ body }) =>
        JSON.parse(body) as {
          readonly type: string;
          readonly data: { readonly reminder?: { readonly hours: number } };
        },
    )
    .map(({ type, data }) => data.reminder?.hours ?? type);

test('reminders come 72 and 24 hours before the deadline, and that of 6 hours disappears when the dispute has moved on', async () => {
  const receiver = await receiving();
  const notifier = await notifying(disputeRules(receiver));
  const respondBy = new Date(Date.now() + 100 * HOUR);
  const passes = async (ms: number): Promise<void> => {
    await notifier.stop();
    notifier.later(ms);
    await notifier.start();
  };
  await notifier.start();
  await notifier.happen([{ kind: 'dispute.opened', key: 'disp_1', status: 'open', respondBy }]);
  const planned = await notifier.until(
    'the dispute is told and three reminders wait',
    (told) =>
      told.length === 4 &&
      told.filter(({ status }) => status === 'pending').length === 3 &&
      told.some(({ status }) => status === 'delivered'),
  );
  expect(
    planned
      .filter(({ hours }) => hours !== null)
      .map(({ hours, next_attempt_at }) => [hours, (respondBy.getTime() - next_attempt_at.getTime()) / HOUR]),
  ).toEqual([
    [72, 72],
    [24, 24],
    [6, 6],
  ]);

  await passes(28 * HOUR + 60_000);
  await notifier.until(
    'the first reminder is sent',
    (told) => told.filter(({ status }) => status === 'delivered').length === 2,
  );
  await passes(48 * HOUR);
  await notifier.until(
    'the second reminder is sent',
    (told) => told.filter(({ status }) => status === 'delivered').length === 3,
  );
  await notifier.happen([{ kind: 'dispute.under_review', key: 'disp_1', status: 'under_review', respondBy }]);
  await notifier.until('the last reminder is cancelled', (told) =>
    told.some(({ hours, status }) => hours === 6 && status === 'cancelled'),
  );
  await passes(18 * HOUR);
  const rows = await notifier.until(
    'the review is told',
    (told) => told.filter(({ status }) => status === 'delivered').length === 4,
  );
  expect(rows.find(({ hours }) => hours === 6)?.reason).toContain('under_review');
  expect(hoursOf(receiver)).toEqual(['dispute.opened', 72, 24, 'dispute.under_review']);
});

test('a reminder moves along with the deadline', async () => {
  const receiver = await receiving();
  const notifier = await notifying(disputeRules(receiver));
  await notifier.happen([
    { kind: 'dispute.opened', key: 'disp_1', status: 'open', respondBy: new Date(Date.now() + 73 * HOUR) },
  ]);
  await notifier.start();
  await notifier.until('the reminders wait', (told) => told.filter(({ status }) => status === 'pending').length === 3);
  const moved = new Date(Date.now() + 200 * HOUR);
  await notifier.rows('UPDATE payment_disputes SET respond_by = $1', [moved]);
  await notifier.stop();
  notifier.later(2 * HOUR);
  await notifier.start();
  const rows = await notifier.until(
    'three wait for the new deadline',
    (told) =>
      told.filter(
        ({ status, next_attempt_at }) => status === 'pending' && next_attempt_at.getTime() > Date.now() + 100 * HOUR,
      ).length === 3,
  );
  expect(rows.find(({ status, hours }) => status === 'cancelled' && hours === 72)?.reason).toBe(
    'respond_by is another time now',
  );
  expect(hoursOf(receiver)).toEqual(['dispute.opened']);
});
