import { createTestDatabase } from '#kit';
import type { TestDatabase } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';

let ours: TestDatabase;
let database: Database;

beforeAll(async () => {
  ours = await createTestDatabase();
  database = createDatabase({ url: ours.url, poolSize: 1, applicationName: 'downtimes-in-force-test' });
});
afterAll(async () => {
  await database.close();
  await ours.drop();
});

/** Begin and end in hours from now; null as Razorpay has it for an end that nobody knows. */
const downtime = async (
  id: string,
  status: string,
  severity: string | null,
  begin: number | null,
  end: number | null,
): Promise<void> => {
  await database.query(
    adHoc(`INSERT INTO downtime_events (downtime_id, status, severity, begin_at, end_at, merge_record)
           VALUES ($1, $2, $3, now() + $4 * interval '1 hour', now() + $5 * interval '1 hour', '{}')`),
    [id, status, severity, begin, end],
  );
};

test('downtimes in force: begun, not resolved, not past their end; hide on high, warn on the rest, the worst first', async () => {
  await downtime('down_low', 'updated', 'low', -3, 2);
  await downtime('down_unknown', 'started', null, null, null);
  await downtime('down_medium', 'started', 'medium', -1, null);
  await downtime('down_high', 'started', 'high', -2, null);
  await downtime('down_announced_and_begun', 'scheduled', 'high', -1, 1);
  await downtime('down_resolved', 'resolved', 'high', -2, null);
  await downtime('down_called_off', 'cancelled', 'high', -2, null);
  await downtime('down_past_its_end', 'started', 'high', -2, -1);
  await downtime('down_announced', 'updated', 'high', 5, 6);
  await downtime('down_scheduled_some_day', 'scheduled', 'high', null, null);
  const rows = await database.query<{ downtime_id: string; advice: string }>(
    adHoc('SELECT downtime_id, advice FROM downtimes_in_force'),
  );
  expect(rows.map(({ downtime_id, advice }) => `${downtime_id} ${advice}`)).toEqual([
    'down_high hide',
    'down_announced_and_begun hide',
    'down_medium warn',
    'down_low warn',
    'down_unknown warn',
  ]);
});

describe('downtime_advice', () => {
  const named = async (id: string, method: string, severity: string, parts: Readonly<Record<string, string>>) => {
    const columns = Object.keys(parts);
    await database.query(
      adHoc(`INSERT INTO downtime_events (downtime_id, status, method, severity,
        merge_record${columns.map((name) => `, ${name}`).join('')})
             VALUES ($1, 'started', $2, $3, '{}'${columns.map((_, index) => `, $${index + 4}`).join('')})`),
      [id, method, severity, ...Object.values(parts)],
    );
  };
  const advice = async (method: string, ...instrument: readonly string[]): Promise<string | undefined> => {
    const given = instrument.map((_, index) => `, $${index + 2}`).join('');
    const [row] = await database.query<{ advice: string }>(adHoc(`SELECT downtime_advice($1${given}) AS advice`), [
      method,
      ...instrument,
    ]);
    return row?.advice;
  };

  beforeAll(async () => {
    await named('down_sbin', 'netbanking', 'high', { bank: 'SBIN' });
    await named('down_visa_hdfc', 'card', 'high', { network: 'VISA', issuer: 'HDFC' });
    await named('down_rupay', 'card', 'low', { network: 'RUPAY' });
    await named('down_handles', 'upi', 'medium', { vpa_handle: 'ALL' });
    await named('down_wallets', 'wallet', 'high', {});
    await named('down_new', 'netbanking', 'high', { bank: 'ICIC', other_instrument: 'corporate yes' });
  });

  test.each([
    ['hide', 'the bank is down', ['netbanking', 'SBIN']],
    ['hide', 'in whatever case', ['NetBanking', 'sbin']],
    ['show', 'another bank is', ['netbanking', 'HDFC']],
    ['show', 'one bank is not the whole method', ['netbanking']],
    ['hide', 'all that the downtime names is given', ['card', 'credit', 'HDFC', 'VISA']],
    ['show', 'another issuer of that network', ['card', 'VISA', 'ICIC']],
    ['warn', 'less severe', ['card', 'RuPay']],
    ['warn', 'every handle is down, and so the method', ['upi']],
    ['warn', 'every handle is down, and so this one', ['upi', 'oksbi']],
    ['hide', 'a downtime that names nothing is of all wallets', ['wallet', 'phonepe']],
    ['warn', 'it names something that nobody knows', ['netbanking', 'ICIC']],
    ['show', 'no such method is down', ['emi', 'HDFC']],
  ] as const)('%s: %s', async (wanted, _why, [method, ...instrument]) => {
    expect(await advice(method, ...instrument)).toBe(wanted);
  });

  test('readers who see masked views may ask it', async () => {
    const answer = await database.transaction(async (tx) => {
      await tx.query(adHoc('SET LOCAL ROLE dakia_reader'));
      await tx.query(adHoc('SET LOCAL search_path = masked'));
      return tx.query(adHoc(`SELECT downtime_advice('netbanking', 'SBIN') AS advice`));
    });
    expect(answer).toEqual([{ advice: 'hide' }]);
  });
});

test('a status that the rules do not know cannot be written', async () => {
  await expect(downtime('down_odd', 'paused', 'high', null, null)).rejects.toThrow('downtime_events_status_check');
});
