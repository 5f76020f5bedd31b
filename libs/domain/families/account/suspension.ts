import type { EventIn } from '#catalogue';
import { isRecord, readFlag } from '#rules';
import type { Reading, Snapshot } from '#rules';

/** What Razorpay writes for a time that is not set, and PHP for nothing. */
const isUnset = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === 0 ||
  value === '0' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isRecord(value) && Object.keys(value).length === 0);

const SUSPENDED: EventIn<'accounts'> = 'account.suspended';

/**
 * Whether the snapshot says that the account is suspended; undefined where it says nothing of it, as the bodies of
 * linked accounts (`account.updated`), which have no `suspended_at`. The event's name alone is enough, and so is
 * anything in the place of a time that is not "none": what is wrong here costs nothing, the contrary costs money.
 */
export const isSaidSuspended = ({ event, subject }: Pick<Snapshot, 'event' | 'subject'>): boolean | undefined => {
  if (event === SUSPENDED) return true;
  return Object.hasOwn(subject, 'suspended_at') && subject['suspended_at'] !== undefined
    ? !isUnset(subject['suspended_at'])
    : undefined;
};

export const suspended: Reading = { type: 'boolean', rule: 'latest', read: isSaidSuspended };

/**
 * May it take payments? Only a snapshot that says that the account is not suspended may say yes, and one that says that
 * it is says no: so no order of snapshots makes a suspended account live.
 */
const mayTake =
  (isNamed: (event: string) => boolean): Reading['read'] =>
  (snapshot) => {
    const [isSuspended, flag] = [isSaidSuspended(snapshot), flagOf(snapshot)];
    if (isSuspended === true || flag === false) return false;
    return isSuspended === false && (flag === true || isNamed(snapshot.event)) ? true : undefined;
  };

const flagOf = ({ subject }: Snapshot): boolean | undefined =>
  Object.hasOwn(subject, 'live') ? readFlag(subject['live']) : undefined;

const isLiveUnreadable: Reading['isUnreadable'] = (snapshot) => {
  const { subject } = snapshot;
  return Object.hasOwn(subject, 'live') && !isUnset(subject['live']) && flagOf(snapshot) === undefined;
};

export const live: Reading = {
  type: 'boolean',
  rule: 'latest',
  read: mayTake(() => false),
  isUnreadable: isLiveUnreadable,
};

const ENABLED: EventIn<'accounts'> = 'account.payments_enabled';
export const paymentsEnabled: Reading = {
  type: 'boolean',
  rule: 'latest',
  read: mayTake((event) => event === ENABLED),
};
