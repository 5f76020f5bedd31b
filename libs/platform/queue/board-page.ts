import { createHash, timingSafeEqual } from 'node:crypto';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import basicAuth from '@fastify/basic-auth';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '#platform/log';
import { NAMES_FILE, NAMES_SCRIPT, withNames } from './board-names.ts';
import { openAskingRedis, openBullQueue, untilAnswering } from './connection.ts';
import type { BoardConfig } from './contracts.ts';
import { createLoginLimit } from './login-limit.ts';
import { BOARD_PATH } from './names.ts';

const USER = 'dakia';
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Nothing from elsewhere, not even the font that the page asks for; styles of its own are written into elements. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src " +
    "'self'; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** A browser says which page asks; a program that is no browser says nothing. */
const isOwn = (origin: string | undefined, host: string | undefined): boolean =>
  origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);

class Refused extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Takes the same time whatever was guessed, and however long it is. */
const sameText = (given: string, expected: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
};

/**
 * Serves the page on `app`, which is a scope of its own below
 * BOARD_PATH: login, then what the method may do, then bull-board.
 */
export const serveBoard = async (
  app: FastifyInstance,
  config: BoardConfig,
  names: readonly string[],
  log: Logger,
): Promise<void> => {
  const client = openAskingRedis(config, 'page of queues', log);
  const queues = names.map((name) => openBullQueue(client, config, name));
  app.addHook('onClose', async () => client.disconnect());

  const limit = createLoginLimit();
  await app.register(basicAuth, {
    authenticate: { realm: 'Dakia queues' },
    validate: async (user, password, { ip }) => {
      // Asked for each time: a password that was changed in its file is the one from then on.
      const expected = config.boardPassword();
      const known = [sameText(user, USER), expected !== undefined && sameText(password, expected)];
      if (known.every(Boolean)) return;
      limit.failed(ip, performance.now());
      log.warn('a login to the page of queues was refused');
      throw new Refused(401, 'the user or the password is wrong');
    },
  });
  app.addHook('onRequest', async ({ ip }, reply) => {
    void reply.headers(PAGE_HEADERS);
    if (!limit.allows(ip, performance.now()))
      throw new Refused(429, 'too many wrong logins from this address; wait a minute');
  });
  app.addHook('onRequest', app.basicAuth);
  app.addHook('onRequest', async ({ method, headers }) => {
    if (READING.has(method)) return;
    if (!config.boardWrites)
      throw new Refused(403, 'this page only shows; DAKIA_BOARD_WRITES=true lets it change queues');
    // The browser adds the login to what another site makes it send.
    if (headers['sec-fetch-site'] === 'cross-site' || !isOwn(headers.origin, headers.host))
      throw new Refused(403, 'another site may not change queues');
  });
  app.addHook('preHandler', async ({ url }) => {
    if (!url.startsWith(`${BOARD_PATH}/api/`)) return;
    await untilAnswering(client).catch((error: unknown) => {
      throw new Refused(503, error instanceof Error ? error.message : String(error));
    });
  });

  app.get(`/${NAMES_FILE}`, (_request, reply) => reply.type('text/javascript').send(NAMES_SCRIPT));
  app.addHook('onSend', async (_request, reply, payload) =>
    typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html')
      ? withNames(payload, BOARD_PATH)
      : payload,
  );

  const server = new FastifyAdapter();
  server.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: !config.boardWrites })),
    serverAdapter: server,
    options: {
      uiConfig: { boardTitle: 'Dakia queues', hideRedisDetails: true, showWorkers: false, hideDocsLink: true },
    },
  });
  await app.register(server.registerPlugin());
};
