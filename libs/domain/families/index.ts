/**
 * The families. A folder is named after what one row is (see `noun` in the
 * catalogue), a family after its topic; the two differ where Razorpay's own names do:
 *
 * | folder | family | row |
 * |---|---|---|
 * | `validation` | `fund_accounts` | a check of a fund account: the events
 * are `fund_account.validation.*`, the key is the check's id `fav_…` |
 * | `account` | `accounts` | a sub-merchant's account: not `account_id`
 * of other rows, which is the account that an event came for |
 *
 * All others are the family's name in the singular (`payment_links` is
 * `payment-link`). `aggregates.ts` binds each folder to its family.
 */
export type { Aggregate } from './aggregate.ts';
export { aggregateOf, aggregatesOf, allAggregates } from './aggregates.ts';
export type { ColumnSpec } from './row-specs.ts';
export { columnSpec, rowSpec } from './row-specs.ts';
