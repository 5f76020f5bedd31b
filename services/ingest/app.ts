import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { createAdmission } from './admission.ts';
import { answerOf, bodyOf } from './answers.ts';
import { createDeliveryLog } from './delivery-log.ts';
import { createIngestMetrics } from './metrics.ts';
import { discardBody } from './read-body.ts';
import { createReceive, unread } from './receive.ts';
import type { Received, ReceiveOptions } from './receive.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';

const WEBHOOK_PATH = '/webhooks/razorpay';
/** The `endpoint` label of requests to no configured endpoint. */
const NO_ENDPOINT = 'none';
/** Seconds that a sender should wait after a 503. */
const RETRY_AFTER_S = '2';

/** Connections. Load balancers keep theirs open for 60 s (AWS, nginx) and must be the first to close one. */
const KEEP_ALIVE_MS = 75_000;
const CONNECTIONS_MAX = 10_000;
/** Slow senders, in ms: all headers, the whole request (a backstop: bodies have the deadline of receive.ts), and silence. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
const SILENCE_MS = 10_000;
const SLOW_SENDER_CHECK_MS = 1_000;
/** Request line and headers together, in bytes; more is answered 431. */
const HEADER_BYTES_MAX = 16 * 1024;

export interface IngestApp {
  readonly fastify: FastifyInstance;
  /** Answers every new delivery with 503 from now on. */
  readonly drain: () => void;
  /** Logs what was counted and not logged yet. */
  readonly flushLog: () => void;
}

export type IngestAppOptions = Pick<ReceiveOptions, 'producer' | 'secretsOf' | 'schemaId'> & {
  readonly metrics: Registry;
  readonly log: Logger;
};

/** The webhook port. It serves webhooks only. */
export const createIngestApp = ({
  producer,
  secretsOf,
  schemaId,
  metrics: registry,
  log,
}: IngestAppOptions): IngestApp => {
  const admission = createAdmission();
  const metrics = createIngestMetrics(registry, admission);
  const deliveryLog = createDeliveryLog(log);
  const receive = createReceive({ producer, secretsOf, schemaId, admission, metrics, log });
  let isDraining = false;

  const app = fastify({
    logger: false,
    return503OnClosing: false, // answered below, with Retry-After
    requestTimeout: REQUEST_MS,
    connectionTimeout: SILENCE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: SLOW_SENDER_CHECK_MS,
      noDelay: true,
    },
    clientErrorHandler: (error, socket) => {
      const status = refuseConnection(error.code, socket);
      if (status !== undefined) metrics.connectionRefused(status);
    },
    // A path that is no text, such as /%zz.
    frameworkErrors: (_error, request, reply) =>
      void answer(request, reply, NO_ENDPOINT, unread('path-unknown'), performance.now()),
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  // Bodies are read by receive.ts: any content type, our own bounds, and only when the headers promise something.
  app.addHttpMethod('POST', { hasBody: false, overrideExisting: true });

  const answer = (
    request: FastifyRequest,
    reply: FastifyReply,
    endpoint: string,
    { reason, bytes }: Received,
    startedAt: number,
  ): FastifyReply => {
    const { outcome, status } = answerOf(reason);
    const ms = performance.now() - startedAt;
    metrics.answered(endpoint, reason, ms / 1000);
    if (status !== 200) {
      deliveryLog.note(endpoint, reason, bytes, ms);
      discardBody(request.raw);
    }
    if (outcome === 'unavailable') reply.header('retry-after', RETRY_AFTER_S);
    if (status === 405) reply.header('allow', 'POST');
    if (isDraining) reply.header('connection', 'close');
    return reply.code(status).header('content-type', 'application/json').send(bodyOf(reason));
  };

  const deliver = async (request: FastifyRequest, reply: FastifyReply, endpoint: string): Promise<FastifyReply> => {
    const startedAt = performance.now();
    const received = await receive(request.raw, endpoint);
    return answer(request, reply, received.reason === 'endpoint-unknown' ? NO_ENDPOINT : endpoint, received, startedAt);
  };

  app.post(WEBHOOK_PATH, (request, reply) => deliver(request, reply, DEFAULT_ENDPOINT));
  app.post<{ Params: { endpoint: string } }>(`${WEBHOOK_PATH}/:endpoint`, (request, reply) =>
    // The default endpoint has one address only.
    deliver(request, reply, request.params.endpoint === DEFAULT_ENDPOINT ? '' : request.params.endpoint),
  );
  app.setNotFoundHandler((request, reply) =>
    answer(
      request,
      reply,
      NO_ENDPOINT,
      unread(isWebhookPath(request.url, secretsOf) ? 'method-not-allowed' : 'path-unknown'),
      performance.now(),
    ),
  );
  app.setErrorHandler((error, request, reply) => {
    const { statusCode } = error as { readonly statusCode?: number };
    if (statusCode !== undefined && statusCode < 500)
      return answer(request, reply, NO_ENDPOINT, unread('path-unknown'), performance.now());
    // Its message could hold a part of the body; where it happened says enough.
    log.error(
      {
        code: codeOf('ingest', 'broke'),
        type: error instanceof Error ? error.name : typeof error,
        at: placesOf(error),
      },
      'a delivery failed in our code; it is answered 500 and Razorpay sends it again',
    );
    return reply.code(500).header('content-type', 'application/json').send('{"status":"unavailable"}');
  });

  return {
    fastify: app,
    flushLog: deliveryLog.flush,
    drain: () => {
      isDraining = true;
      admission.close();
    },
  };
};

const isWebhookPath = (url: string, secretsOf: ReceiveOptions['secretsOf']): boolean => {
  const path = url.split('?', 1)[0] ?? '';
  if (path === WEBHOOK_PATH) return true;
  const endpoint = path.startsWith(`${WEBHOOK_PATH}/`) ? path.slice(WEBHOOK_PATH.length + 1) : '';
  return endpoint !== DEFAULT_ENDPOINT && secretsOf(endpoint) !== undefined;
};

const placesOf = (error: unknown): readonly string[] =>
  error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')) : [];

const statusByCode: Readonly<Record<string, readonly [status: number, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** Answers what is no HTTP, or came too slowly, and closes the connection. Returns the status; undefined for a sender that hung up. */
const refuseConnection = (code: string | undefined, socket: Socket): number | undefined => {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  const [status, text] = statusByCode[code ?? ''] ?? [400, 'Bad Request'];
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  return status;
};
