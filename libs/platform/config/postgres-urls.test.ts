import { postgresTarget } from './postgres-urls.ts';

test.each([
  ['postgres://u:p@h:5432/db', ['postgres://u:p@h:5432/db'], 'read-write'],
  ['postgresql://h/db?sslmode=require', ['postgresql://h/db?sslmode=require'], 'read-write'],
  ['postgres://u:p@a:1,b:2/db', ['postgres://u:p@a:1/db', 'postgres://u:p@b:2/db'], 'read-write'],
  ['postgres://u@a,b/db?target_session_attrs=any&x=1', ['postgres://u@a/db?x=1', 'postgres://u@b/db?x=1'], 'any'],
  ['postgres://a/db?target_session_attrs=primary', ['postgres://a/db'], 'read-write'],
])('%s', (url, urls, session) => {
  expect(postgresTarget(url)).toEqual({ urls, session });
});

test.each([
  'redis://h/0',
  'postgres://a:x/db',
  'postgres://a:1,b:x/db',
  'postgres://a/db?target_session_attrs=standby',
])('%s is refused', (url) => expect(postgresTarget(url)).toBeUndefined());
