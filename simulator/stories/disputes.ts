import { closed, inPhase, lost, newDispute, reopened, underReview, won } from '../builders/disputes.ts';
import { actionRequired } from '../builders/index.ts';
import { checkout } from './payments.ts';
import { end, step, telling } from './story.ts';
import type { Story } from './story.ts';

export const disputeWon: Story = {
  summary: 'A chargeback is contested and won.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const open = newDispute(random, { at: start + 100, payment });
    const reviewed = underReview(open, random, start + 300);
    const course = [
      step(100, 'payment.dispute.created', { payment, dispute: open }),
      step(300, 'payment.dispute.under_review', { payment, dispute: reviewed }),
      step(900, 'payment.dispute.won', { payment, dispute: won(reviewed) }),
    ];
    return telling(scene, [...steps, ...course], [...ends, end('disputes', open.id, 'won')]);
  },
};

export const disputeLost: Story = {
  summary: 'A chargeback is accepted: lost without a review, the amount is deducted.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const open = newDispute(random, { at: start + 100, payment });
    const course = [
      step(100, 'payment.dispute.created', { payment, dispute: open }),
      step(200, 'payment.dispute.lost', { payment, dispute: lost(open) }),
    ];
    return telling(scene, [...steps, ...course], [...ends, end('disputes', open.id, 'lost')]);
  },
};

export const disputeClosed: Story = {
  summary: 'A fraud alert is closed without a decision.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const open = newDispute(random, { at: start + 100, payment, phase: 'fraud' });
    const course = [
      step(100, 'payment.dispute.created', { payment, dispute: open }),
      step(700, 'payment.dispute.closed', { payment, dispute: closed(open) }),
    ];
    return telling(scene, [...steps, ...course], [...ends, end('disputes', open.id, 'closed')]);
  },
};

export const disputeRounds: Story = {
  summary: 'More evidence is required twice before a chargeback is lost.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const open = newDispute(random, { at: start + 100, payment });
    const first = underReview(open, random, start + 200);
    const more = reopened(first, start + 300);
    const second = underReview(more, random, start + 400);
    const evenMore = reopened(second, start + 500);
    const third = underReview(evenMore, random, start + 600);
    const asks = (after: number, dispute: typeof open) => {
      const { parts, beside } = actionRequired(payment, dispute);
      return step(after, 'payment.dispute.action_required', parts, { beside });
    };
    const course = [
      step(100, 'payment.dispute.created', { payment, dispute: open }),
      step(200, 'payment.dispute.under_review', { payment, dispute: first }),
      asks(300, more),
      step(400, 'payment.dispute.under_review', { payment, dispute: second }),
      asks(500, evenMore),
      step(600, 'payment.dispute.under_review', { payment, dispute: third }),
      step(1_000, 'payment.dispute.lost', { payment, dispute: lost(third) }),
    ];
    return telling(scene, [...steps, ...course], [...ends, end('disputes', open.id, 'lost')]);
  },
};

export const disputeReopened: Story = {
  summary: 'A chargeback that was won comes back as pre-arbitration under the same id, and is under review again.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const open = newDispute(random, { at: start + 100, payment });
    const reviewed = underReview(open, random, start + 200);
    const again = inPhase(won(reviewed), 'pre_arbitration', start + 700);
    const course = [
      step(100, 'payment.dispute.created', { payment, dispute: open }),
      step(200, 'payment.dispute.under_review', { payment, dispute: reviewed }),
      step(500, 'payment.dispute.won', { payment, dispute: won(reviewed) }),
      step(700, 'payment.dispute.created', { payment, dispute: again }),
      step(800, 'payment.dispute.under_review', { payment, dispute: underReview(again, random, start + 800) }),
    ];
    return telling(scene, [...steps, ...course], [...ends, end('disputes', open.id, 'under_review')]);
  },
};
