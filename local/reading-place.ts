import { join } from 'node:path';
import type { StateFolder } from './folders.ts';

/**
 * Where people read, with what is personal shortened. The password
 * stays in its file: this is printed, and terminals are shared.
 */
export const readingPlace = (
  { data }: Pick<StateFolder, 'data'>,
  { dakia_analyst: url }: Readonly<Record<string, string>>,
): string =>
  url === undefined
    ? 'as set in DATABASE_URL'
    : `${withoutPassword(url)}, schema masked (JDBC: the same behind jdbc:)
                 password in ${join(data, 'dakia_analyst.password')}`;

/** As psql, SQLAlchemy and, behind `jdbc:`, JDBC take it: the last knows no user before the host. */
const withoutPassword = (url: string): string => {
  const { username, host, pathname } = new URL(url);
  return `postgresql://${host}${pathname}?user=${username}`;
};
