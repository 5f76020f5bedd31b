import { valueAt } from '#rules';
import type { Snapshot } from '#rules';

/** How far the activation is, in Razorpay's word; nothing where the body does not say. */
export const activationWord = ({ subject }: Pick<Snapshot, 'subject'>): unknown =>
  valueAt(subject, ['merchant_detail', 'activation_status']) ?? valueAt(subject, ['activation_details', 'status']);
