import type { Consumer } from 'kafkajs';

/** What a consumer wants to hear of kafkajs. None of these may throw: kafkajs would take it for its own failure. */
export interface ClientListener {
  /** The group gave this member its partitions, by topic. Called before anything is fetched from them. */
  readonly joined: (assignment: Readonly<Record<string, readonly number[]>>, memberId: string) => void;
  /** The client did something, or tries to. */
  readonly alive: () => void;
  /** A request to `host:port` was not answered. */
  readonly silentBroker: (broker: string) => void;
  /** The client has stopped; `restarts` says whether it starts again by itself. */
  readonly crashed: (error: Error, restarts: boolean) => void;
}

export const listen = (consumer: Consumer, listener: ClientListener): void => {
  const { events } = consumer;
  for (const event of [
    events.CONNECT,
    events.GROUP_JOIN,
    events.REBALANCING,
    events.FETCH_START,
    events.FETCH,
    events.CRASH,
  ] as const)
    consumer.on(event, listener.alive);
  consumer.on(events.GROUP_JOIN, ({ payload }) => listener.joined(payload.memberAssignment, payload.memberId));
  consumer.on(events.REQUEST_TIMEOUT, ({ payload }) => listener.silentBroker(payload.broker));
  consumer.on(events.CRASH, ({ payload }) => listener.crashed(payload.error, payload.restart));
};
