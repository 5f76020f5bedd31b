import type { StateFolder } from './folders.ts';
import type { Report } from './progress.ts';
import type { ServerFiles } from './server-files.ts';
import type { Server } from './server-process.ts';

/** What the launcher of every server is given. */
export interface LaunchOptions {
  readonly files: ServerFiles;
  readonly folder: StateFolder;
  readonly report: Report;
  /** Names data, log and pid file; the server's own name by default. */
  readonly name?: string;
  /** Told before the start (of each node), so that a stop in the middle of it finds the server. */
  readonly onDefined?: (server: Server) => void;
}

/** And of every server that listens on one port. */
export interface OnePortLaunchOptions extends LaunchOptions {
  /** 0 takes a free one. */
  readonly port: number;
}
