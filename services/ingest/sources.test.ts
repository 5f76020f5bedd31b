import { openTestApp } from '../../test/kit/ingest/app.ts';
import type { TestApp } from '../../test/kit/ingest/app.ts';
import { captured, post } from '../../test/kit/ingest/deliveries.ts';
import { sourcesIssues } from './sources.ts';

let open: TestApp | undefined;
const start = async (sources: Parameters<typeof openTestApp>[3]): Promise<TestApp> =>
  (open = await openTestApp(undefined, undefined, undefined, sources));
afterEach(async () => {
  await open?.close();
  open = undefined;
});
const body = captured('pay_1');
const PROXIES = '127.0.0.1, 10.0.0.0/8';

test('without settings an address makes no difference', async () => {
  const { port } = await start({});
  for (let i = 0; i < 20; i++) await post(port, { body, signature: null });
  expect((await post(port, { body, headers: { 'x-forwarded-for': '192.0.2.1' } })).status).toBe(200);
});

/** What the caller says, and whether it counts as coming from Razorpay when 127.0.0.1 and 10.0.0.0/8 are trusted. */
test.each([
  ['x-forwarded-for', '52.66.75.174', true],
  ['x-forwarded-for', '52.66.75.174, 10.1.2.3', true],
  ['x-forwarded-for', '192.0.2.7, 18.96.225.63, 10.1.2.3', true],
  ['x-forwarded-for', '18.96.225.64', false],
  // Anybody can write what stands to the left.
  ['x-forwarded-for', '52.66.75.174, 192.0.2.7', false],
  ['x-forwarded-for', '52.66.75.174, nonsense', false],
  ['x-forwarded-for', '', false],
  ['forwarded', 'for=52.66.75.174', false],
])('only the hops that are trusted vouch for an address: %s: %s', async (name, value, allowed) => {
  const { port, published } = await start({ trustedProxies: PROXIES, sourcesAllowed: 'razorpay' });
  const answered = await post(port, { body, headers: { [name]: value } });
  expect(answered).toMatchObject(
    allowed ? { status: 200, reason: 'durable' } : { status: 403, reason: 'source-not-allowed' },
  );
  expect(published).toHaveLength(allowed ? 1 : 0);
});

test.each([
  ['for=52.66.75.174;proto=https, for=10.1.2.3', true],
  ['for=192.0.2.1, For="[2001:db8::17]:4711";by=10.0.0.1', true],
  ['for="52.66.75.174:443"', true],
  ['for=unknown', false],
  ['for=52.66.75.174, for=_hidden', false],
])('the header Forwarded, where it is chosen: %s', async (value, allowed) => {
  const { port } = await start({
    trustedProxies: PROXIES,
    forwardedHeader: 'forwarded',
    sourcesAllowed: 'razorpay, 2001:db8::/32',
  });
  expect((await post(port, { body, headers: { forwarded: value } })).status).toBe(allowed ? 200 : 403);
});

test('nobody is trusted who is not named: the caller itself is the source', async () => {
  const { port } = await start({ sourcesAllowed: 'razorpay' });
  expect((await post(port, { body, headers: { 'x-forwarded-for': '52.66.75.174' } })).status).toBe(403);
});

test('an address that is refused too often is answered 429 before its signature is looked at; others are not', async () => {
  const { port, published, metric } = await start({ trustedProxies: PROXIES, sourceRefusalsMax: 3 });
  const from = (address: string, signature?: string) =>
    post(port, {
      body,
      headers: { 'x-forwarded-for': address },
      ...(signature === undefined ? {} : { signature }),
    });
  for (let i = 0; i < 3; i++) expect((await from('192.0.2.1', '0'.repeat(64))).status).toBe(401);
  expect(await from('192.0.2.1')).toMatchObject({ status: 429, reason: 'source-refused-often' });
  expect((await from('192.0.2.2')).status).toBe(200);
  // A host chooses freely among its addresses of one network.
  for (let i = 0; i < 3; i++) expect((await from(`2001:db8::${i}`, '0'.repeat(64))).status).toBe(401);
  expect((await from('2001:db8::1:2:3:4')).status).toBe(429);
  expect((await from('2001:db8:0:1::1')).status).toBe(200);
  expect(published).toHaveLength(2);
  expect(
    await metric('dakia_ingest_deliveries_total{endpoint="default",outcome="refused",reason="source-refused-often"}'),
  ).toBe(2);
});

test('what is no list of addresses is said at the start', () => {
  const issuesOf = (trustedProxies: string, sourcesAllowed: string) =>
    sourcesIssues({ trustedProxies, sourcesAllowed, forwardedHeader: 'forwarded', sourceRefusalsMax: 0 });
  expect(issuesOf('10.0.0.0/8, ::1', 'razorpay, 2001:db8::/32')).toEqual([]);
  expect(issuesOf('10.0.0.0/33', 'rasorpay')).toEqual([
    'DAKIA_TRUSTED_PROXIES: "10.0.0.0/33" is no IP address or network; write 192.0.2.1 or 192.0.2.0/24',
    'DAKIA_SOURCES_ALLOWED: "rasorpay" is no IP address or network; write 192.0.2.1 or 192.0.2.0/24',
  ]);
  expect(issuesOf(' , ', '::1/x')).toHaveLength(2);
});
