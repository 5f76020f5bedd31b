import type { RunningServers, Server } from '#local';
import type { Random } from '../../simulator/random.ts';
import type { SeparateSystem } from '../kit/system-processes.ts';

/** Servers of the soak's own, because they are harmed. */
export type ServerName = 'KAFKA_BROKERS' | 'DATABASE_URL' | 'REDIS_URL';

/**
 * What a fault can lay hands on. `random` is the fault's own, so that its choices depend on the seed and not on time.
 */
export interface Fixture {
  readonly system: SeparateSystem;
  readonly server: (name: ServerName) => Server;
  readonly random: Random;
  /** Adds a line to the timeline. */
  readonly note: (text: string) => void;
}

/** One thing that goes wrong, and its end: after `happen` has returned, Dakia must come back by itself. */
export interface Fault {
  readonly name: string;
  readonly happen: (fixture: Fixture) => Promise<void>;
}

export const serverOf =
  ({ servers }: RunningServers) =>
  (name: ServerName): Server => {
    const found = servers[name];
    if (found === undefined) throw new Error(`${name} is given, not started by the soak: unset it`);
    return found;
  };

/** Services that read from Kafka and write to Postgres. */
export const DOMAIN_SERVICES = ['payments', 'refunds', 'disputes'] as const;
