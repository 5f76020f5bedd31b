import { keptEntity } from '../builders/kept.ts';
import { end, step, telling } from './story.ts';
import type { Story } from './story.ts';

export const settled: Story = {
  summary: 'The money of a day is settled to the bank.',
  tell: (scene) => {
    const { random, start } = scene;
    const settlement = keptEntity('settlement.processed', random, start, {
      fees: 2_360,
      tax: 360,
      utr: `AXISCN${random.digits(10)}`,
    });
    return telling(
      scene,
      [step(60, 'settlement.processed', { settlement })],
      [end('kept', settlement['id'] as string, 'kept')],
    );
  },
};

export const paidOut: Story = {
  summary: 'A payout is queued, made, and reaches its account.',
  tell: (scene) => {
    const { random, start } = scene;
    const payout = keptEntity('payout.queued', random, start, { reference_id: `order-${random.digits(6)}`, utr: null });
    const steps = [
      step(10, 'payout.queued', { payout }),
      step(120, 'payout.initiated', { payout: { ...payout, status: 'processing' } }),
      step(300, 'payout.processed', { payout: { ...payout, status: 'processed', utr: random.digits(12) } }),
    ];
    return telling(scene, steps, [end('kept', payout['id'] as string, 'kept')]);
  },
};
