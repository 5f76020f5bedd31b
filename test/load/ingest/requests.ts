import { eventsOf, requestOf } from '../requests.ts';
import type { Environment, Stack } from '../stack.ts';

const SECRET = 'bench-secret-of-no-endpoint';
/** Bodies sent in turn: more than fit into any cache of the server. */
const BODIES = 10_000;

/** Signed deliveries of all events, one after the other and from the beginning again. */
export const requestsInTurn = (): (() => Buffer) => {
  const requests = eventsOf('ingest', BODIES).map((event) => requestOf(event, SECRET));
  let number = 0;
  return () => requests[number++ % requests.length] as Buffer;
};

/** Of a process that receives them, but for its port. */
export const ingestEnvironment = (stack: Stack, prefix: string): Environment => ({
  ...stack.environment,
  DAKIA_TOPIC_PREFIX: prefix,
  DAKIA_WEBHOOK_HOST: '127.0.0.1',
  DAKIA_DRAIN_DELAY_MS: '0',
  RAZORPAY_WEBHOOK_SECRETS: SECRET,
});
