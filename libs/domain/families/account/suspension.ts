import type { EventIn } from '#catalogue';
import { clearable, foldInto, isRecord, readFlag } from '#rules';
import type { Denial, JsonRecord, Reading, Snapshot } from '#rules';
import { activationWord } from './activation.ts';

/** What Razorpay writes for a time that is not set, and PHP for nothing. */
const isUnset = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === 0 ||
  value === '0' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isRecord(value) && Object.keys(value).length === 0);

const SUSPENDED = 'account.suspended' satisfies EventIn<'accounts'>;

/**
 * Whether the snapshot says that the account is suspended; undefined where it says nothing of it, as the bodies of
 * linked accounts (`account.updated`), which have no `suspended_at`. The event's name alone is enough, and so are the
 * word `suspended` for the account or its activation (razorpay.com/docs/api/partners/account-onboarding/entity) and
 * anything in the place of a time that is not "none": what is wrong here costs nothing, the contrary costs money.
 */
export const isSaidSuspended = ({ event, subject }: Pick<Snapshot, 'event' | 'subject'>): boolean | undefined => {
  return event === SUSPENDED ? true : isShownSuspended(subject);
};

const isShownSuspended = (subject: JsonRecord): boolean | undefined =>
  isWordSuspended(subject['status']) || isWordSuspended(activationWord({ subject })) || hasTime(subject);

const isWordSuspended = (word: unknown): boolean => foldInto(['suspended'], word) !== undefined;

const hasTime = (subject: JsonRecord): boolean | undefined =>
  Object.hasOwn(subject, 'suspended_at') && subject['suspended_at'] !== undefined
    ? !isUnset(subject['suspended_at'])
    : undefined;

export const suspended: Reading = { type: 'boolean', rule: 'latest', read: isSaidSuspended };

const shownAt = clearable.past('suspended_at');
/** Whatever stands there for "none" clears it: an account that is not suspended has no time of it. */
export const suspendedAt: Reading = {
  ...shownAt,
  read: (snapshot) => (isSaidSuspended(snapshot) === false ? null : shownAt.read(snapshot)),
};

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

const ENABLED = 'account.payments_enabled' satisfies EventIn<'accounts'>;
export const paymentsEnabled: Reading = {
  type: 'boolean',
  rule: 'latest',
  read: mayTake((event) => event === ENABLED),
};

/** The event says that payments are enabled, and its snapshot that they are not. */
export const arePaymentsDenied = (snapshot: Snapshot): boolean =>
  isSaidSuspended(snapshot) === true || flagOf(snapshot) === false;

type Denies = (snapshot: Snapshot<EventIn<'accounts'>>) => Denial | undefined;

const deniedSuspension: Denies = (snapshot) => {
  const { event, subject } = snapshot;
  const shown = [
    ...(isShownSuspended(subject) === false ? ['no time of a suspension'] : []),
    ...(flagOf(snapshot) === true ? ['the account as live'] : []),
  ];
  const text = `${event} says suspended, its snapshot shows ${shown.join(' and ')}: the name counts`;
  return shown.length === 0 ? undefined : { what: 'suspension', text };
};

const deniedPayments: Denies = (snapshot) => {
  const text = `${snapshot.event} says enabled, its snapshot shows the account as suspended or not live: the snapshot counts`;
  return arePaymentsDenied(snapshot) ? { what: 'payments', text } : undefined;
};

const deniedFunds =
  (isHeld: boolean): Denies =>
  ({ event, subject }) => {
    const shown = readFlag(subject['hold_funds']);
    const [said, other] = isHeld ? ['held', 'not held'] : ['not held', 'held'];
    const text = `${event} says that funds are ${said}, its snapshot shows ${other}: the snapshot counts`;
    return shown === undefined || shown === isHeld ? undefined : { what: 'funds', text };
  };

/**
 * What the event's name says and its own snapshot denies. A suspension counts by its name, which costs nothing if it is
 * wrong; of funds and payments the snapshot counts.
 */
const denies: Readonly<Partial<Record<EventIn<'accounts'>, Denies>>> = {
  [SUSPENDED]: deniedSuspension,
  [ENABLED]: deniedPayments,
  'account.funds_hold': deniedFunds(true),
  'account.funds_unhold': deniedFunds(false),
};

export const denialsOf = (snapshot: Snapshot<EventIn<'accounts'>>): readonly Denial[] => {
  const denial = denies[snapshot.event]?.(snapshot);
  return denial === undefined ? [] : [denial];
};
