import { classifyError } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import type { Tracer } from '#platform/trace';
import type { Instant } from '#rules';
import type { NotificationRules } from '../rules/rules.ts';
import { markRelayed, recordUnusable, takeFact, takeFacts } from '../store/outbox-store.ts';
import type { StoredFact } from '../store/stored-fact.ts';
import { planFacts } from './plan-facts.ts';
import type { PlannedFacts } from './plan-facts.ts';

/** Facts of one transaction. */
export const BATCH_FACTS = 500;

export interface BatchOptions {
  readonly database: Database;
  readonly rules: NotificationRules;
  readonly clock: () => Instant;
  /** Undefined where traces are off. */
  readonly tracer?: Tracer | undefined;
}

/**
 * Relays the most urgent facts, each batch in one transaction. When something in
 * it cannot be planned, each of its facts gets a transaction of its own, and the
 * one that fails even so is kept as unusable. Throws for infrastructure only.
 */
export const relayBatch = async (options: BatchOptions): Promise<readonly PlannedFacts[]> => {
  let taken: readonly StoredFact[] = [];
  try {
    return [
      await options.database.transaction(async (tx) => {
        taken = await takeFacts(tx, BATCH_FACTS);
        return taken.length === 0 ? nothing : planFacts(tx, taken, options.rules, options.clock(), options.tracer);
      }),
    ];
  } catch (error) {
    if (taken.length === 0 || classifyError(error) === 'infrastructure') throw error;
    const alone: PlannedFacts[] = [];
    for (const { factId } of taken) alone.push(await relayAlone(options, factId));
    return alone;
  }
};

const nothing: PlannedFacts = { facts: [], unusable: [], planned: [], requests: [], cancelled: [] };

const relayAlone = async ({ database, rules, clock, tracer }: BatchOptions, factId: number): Promise<PlannedFacts> => {
  try {
    return await database.transaction(async (tx) => {
      const facts = await takeFact(tx, factId);
      return facts.length === 0 ? nothing : planFacts(tx, facts, rules, clock(), tracer);
    });
  } catch (error) {
    if (classifyError(error) === 'infrastructure') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return database.transaction(async (tx) => {
      const facts = await takeFact(tx, factId);
      const unusable = facts.map((fact) => ({ fact, reason }));
      await recordUnusable(tx, unusable);
      await markRelayed(
        tx,
        facts.map((fact) => fact.factId),
      );
      return { facts, unusable, planned: [], requests: [], cancelled: [] };
    });
  }
};
