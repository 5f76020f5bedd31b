import http from 'node:http';
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import { sampledTraceOf } from '#platform/trace';
import type { Tracer } from '#platform/trace';
import { createAdmission } from './admission.ts';
import { answerOf, bodyOf } from './answers.ts';
import type { Reason } from './answers.ts';
import { PiecewiseRequest } from './body-pieces.ts';
import { closeAfter, closeUnread, oneAtATime } from './connection-line.ts';
import { createDeliveryLog } from './delivery-log.ts';
import { traceUnread } from './delivery-trace.ts';
import { createIngestMetrics } from './metrics.ts';
import type { ConnectionStatus } from './metrics.ts';
import { aboutDelivery, createReceive, unread } from './receive.ts';
import type { Received, ReceiveOptions } from './receive.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';
import { SMALL_BODY_BYTES } from './small-body.ts';
import { readInSlicesWhenWary } from './sliced-reads.ts';
import type { Sources } from './sources.ts';

const WEBHOOK_PATH = '/webhooks/razorpay';
/** The `endpoint` label of requests to no configured endpoint. */
const NO_ENDPOINT = 'none';
/** Seconds that a sender should wait after a 503. */
const RETRY_AFTER_S = '2';

/** Connections. Load balancers keep theirs open for 60 s (AWS, nginx) and must be the first to close one. */
const KEEP_ALIVE_MS = 75_000;
const CONNECTIONS_MAX = 10_000;
/**
 * Slow senders, in ms: all headers, the whole request (a backstop:
 * bodies have the deadline of receive.ts), and silence.
 */
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

export type IngestAppOptions = Pick<ReceiveOptions, 'producer' | 'secretsOf' | 'schemaId' | 'bodyBytesMax'> & {
  readonly sources: Sources;
  readonly metrics: Registry;
  readonly log: Logger;
  /** Undefined where traces are off. */
  readonly tracer?: Tracer | undefined;
};

/** The webhook port. It serves webhooks only. */
// oxlint-disable-next-line max-lines-per-function -- one Fastify application: routes and hooks share its answer
export const createIngestApp = ({
  producer,
  secretsOf,
  schemaId,
  bodyBytesMax,
  sources,
  metrics: registry,
  log,
  tracer,
}: IngestAppOptions): IngestApp => {
  const admission = createAdmission();
  const metrics = createIngestMetrics(registry, admission);
  const deliveryLog = createDeliveryLog(log);
  const receive = createReceive({ producer, secretsOf, schemaId, admission, bodyBytesMax, metrics, log, tracer });
  let isDraining = false;

  const app = fastify({
    logger: false,
    return503OnClosing: false, // answered below, with Retry-After
    // One trailing slash and a doubled one are how a URL is joined wrongly; they lead to the same endpoint.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    serverFactory: (handle) => createServer(handle),
    clientErrorHandler: (error, socket) => {
      const status = refuseConnection(error.code, socket);
      if (status !== undefined) metrics.connectionRefused(status);
    },
    // A path that is no text, such as /%zz.
    frameworkErrors: (_error, request, reply) =>
      void answer(request, reply, NO_ENDPOINT, unread('path-unknown'), performance.now()),
  });
  // Bodies are read by receive.ts: any content type, our own bounds, and only when the headers promise something.
  app.addHttpMethod('POST', { hasBody: false, overrideExisting: true });

  const answer = (
    request: FastifyRequest,
    reply: FastifyReply,
    endpoint: string,
    received: Received,
    startedAt: number,
  ): FastifyReply => {
    const { reason, bytes, trace } = received;
    const { outcome, status } = answerOf(reason);
    const ms = performance.now() - startedAt;
    metrics.answered(endpoint, reason, ms / 1000, sampledTraceOf(trace));
    trace?.answered(endpoint, reason, bytes);
    const begun = trace ?? (tracer && traceUnread(tracer, endpoint, reason, bytes, startedAt));
    if (status !== 200)
      deliveryLog.note(endpoint, reason, bytes, ms, {
        ...aboutDelivery(request.raw, received),
        ...(begun !== undefined && { traceId: begun.traceId }),
      });
    if (outcome === 'refused') sources.refused(request.raw);
    if (isDraining || endsConnection(request, reason)) {
      reply.header('connection', 'close');
      closeAfter(request.raw);
    }
    if (outcome === 'unavailable') reply.header('retry-after', RETRY_AFTER_S);
    if (status === 405) reply.header('allow', 'POST');
    return reply.code(status).header('content-type', 'application/json').send(bodyOf(reason));
  };

  const deliver = async (request: FastifyRequest, reply: FastifyReply, endpoint: string): Promise<FastifyReply> => {
    const startedAt = performance.now();
    const unwelcome = sources.refuses(request.raw);
    const received = unwelcome === undefined ? await receive(request.raw, endpoint, startedAt) : unread(unwelcome);
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

/** Timeouts and bounds of connections; the requests of each come one at a time. */
const createServer = (handle: http.RequestListener): http.Server => {
  const server = http.createServer(
    {
      IncomingMessage: PiecewiseRequest,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: SLOW_SENDER_CHECK_MS,
      noDelay: true,
    },
    oneAtATime(handle),
  );
  server.on('connection', readInSlicesWhenWary);
  server.setTimeout(SILENCE_MS);
  server.maxConnections = CONNECTIONS_MAX;
  // Node's own switch, which its types do not know: a sender that closes its side after the request is answered.
  return Object.assign(server, { httpAllowHalfOpen: true });
};

/**
 * A sender that was refused has to connect anew: otherwise one connection could bring
 * refusals, and bodies that nobody wants, without end. One that is to send again keeps
 * its connection, which may be a load balancer's, unless what is left to come is long.
 */
const endsConnection = ({ raw }: FastifyRequest, reason: Reason): boolean => {
  if (answerOf(reason).outcome === 'refused' || reason === 'crowded-out') return true;
  return !raw.complete && !(Number(raw.headers['content-length']) <= SMALL_BODY_BYTES);
};

const isWebhookPath = (url: string, secretsOf: ReceiveOptions['secretsOf']): boolean => {
  const path = (url.split('?', 1)[0] ?? '').replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  if (path === WEBHOOK_PATH) return true;
  const endpoint = path.startsWith(`${WEBHOOK_PATH}/`) ? path.slice(WEBHOOK_PATH.length + 1) : '';
  return endpoint !== DEFAULT_ENDPOINT && secretsOf(endpoint) !== undefined;
};

const placesOf = (error: unknown): readonly string[] =>
  error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')) : [];

const statusByCode: Readonly<Record<string, readonly [status: ConnectionStatus, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/**
 * Answers what is no HTTP, or came too slowly, and closes the
 * connection. Returns the status; undefined for a sender that hung up.
 */
const refuseConnection = (code: string | undefined, socket: Socket): ConnectionStatus | undefined => {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  const [status, text] = statusByCode[code ?? ''] ?? [400, 'Bad Request'];
  closeUnread(socket, `HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  return status;
};
