import pg from 'pg';
import { readingPlace } from './reading-place.ts';

test('the printed connection is one that psql, SQLAlchemy and JDBC take, and has no password', () => {
  const place = readingPlace(
    { data: '/home/asha/.dakia/data' },
    { dakia_analyst: 'postgres://dakia_analyst:s3cret%40@127.0.0.1:5433/dakia' },
  );
  expect(place).not.toContain('s3cret');
  expect(place).toContain('password in /home/asha/.dakia/data/dakia_analyst.password');
  const [url = ''] = /^\S+(?=, schema masked)/.exec(place) ?? [];
  const { user, host, port, database } = new pg.Client({ connectionString: url });
  expect({ user, host, port, database }).toEqual({
    user: 'dakia_analyst',
    host: '127.0.0.1',
    port: 5433,
    database: 'dakia',
  });
  // The driver reads what stands between // and / as host and port.
  expect(`jdbc:${url}`).toMatch(/^jdbc:postgresql:\/\/127\.0\.0\.1:5433\/dakia\?user=dakia_analyst$/);
});

test('where somebody else runs Postgres, their address is theirs', () => {
  expect(readingPlace({ data: '/x' }, {})).toBe('as set in DATABASE_URL');
});
