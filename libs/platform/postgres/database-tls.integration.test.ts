import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '#kit';
import { serverFiles, silent, startPostgres, stateFolder } from '#local';
import { createDatabase } from './database.ts';
import { adHoc } from './statement.ts';
import { migrate } from './migrate.ts';
import { roleOf } from './roles.ts';

const START_WITHIN_MS = 60_000;
const ask = async (url: string): Promise<unknown> => {
  const database = createDatabase({ url, poolSize: 1, applicationName: 'tls', role: roleOf('payments') });
  try {
    // The role may not see how its own session is connected; the login user may.
    return await database.transaction(async (tx) => {
      const [me] = await tx.query<object>(adHoc('SELECT current_user AS me'));
      await tx.query(adHoc('SET LOCAL ROLE NONE'));
      const [session] = await tx.query<object>(adHoc('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'));
      return { ...me, ...session };
    });
  } finally {
    await database.close();
  }
};

test(
  'DATABASE_URL asks for TLS: the certificate is checked, the password is wanted, the role is taken',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'dakia-tls-'));
    chmodSync(root, 0o755);
    const tls = await makeCertificate(root, 'postgres', { byName: true });
    const postgres = await startPostgres({
      files: await serverFiles(silent),
      folder: stateFolder(root),
      port: 0,
      report: silent,
      tls,
      temporary: true,
    });
    try {
      const url = postgres.url.replace('127.0.0.1', 'localhost');
      await migrate(url, () => undefined);
      const verified = `${url}?sslmode=verify-full&sslrootcert=${tls.certFile}`;
      expect(await ask(verified)).toEqual({ ssl: true, me: 'dakia_payments' });
      await expect(ask(`${url}?sslmode=verify-full`)).rejects.toThrow(/self-signed certificate/);
      await expect(ask(verified.replace('localhost', '127.0.0.1'))).rejects.toThrow(/altnames/);
      await expect(ask(verified.replace(/:[^:@]+@/, ':wrong@'))).rejects.toThrow(/password authentication failed/);
    } finally {
      await postgres.server.stop();
      rmSync(root, { recursive: true, force: true });
    }
  },
  START_WITHIN_MS,
);
