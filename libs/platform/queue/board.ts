import type { FastifyInstance } from 'fastify';
import type { Host } from '#platform/service';
import type { BoardConfig } from './contracts.ts';
import { BOARD_PATH } from './names.ts';

/**
 * Serves the page of queues (bull-board) below /queues on the ops port of `host`, when DAKIA_BOARD_PASSWORD is set;
 * call it once per process, while components are built. The user is `dakia`. It only shows until
 * DAKIA_BOARD_WRITES=true. Jobs hold ids and nothing else.
 */
export const mountQueueBoard = (
  host: Pick<Host<unknown>, 'addOpsPlugin' | 'log'>,
  config: BoardConfig,
  names: readonly string[],
): void => {
  if (config.boardPassword() === undefined) return;
  const serve = async (app: FastifyInstance): Promise<void> => {
    // Loaded only where there is such a page: it brings a template engine and a file server.
    const { serveBoard } = await import('./board-page.ts');
    await serveBoard(app, config, names, host.log);
  };
  host.addOpsPlugin({ path: BOARD_PATH, serve });
};
