import { startReceiver } from '#kit/receiver';
import type { Answer } from '#kit/receiver';
import { instant } from '#rules';
import { createFormats } from '../templates/formats.ts';
import type { Message } from '../templates/words.ts';
import { parseAllowList } from './address-guard.ts';
import { answerText } from './answer-text.ts';
import { createSignedHttp, parseSecrets } from './signed-http.ts';

test.each<[string, string, string]>([
  [
    'an e-mail address and a phone number',
    'no such customer: asha@example.com, +91 98765 43210',
    'no such customer: …, …',
  ],
  ['what it was sent about a person', 'refused: Asha "Rao"\u2028of Lake Road', 'refused: … of …'],
  ['the same as JSON', 'refused: {"name":"Asha \\"Rao\\""}', 'refused: {"name":"…"}'],
  ['a page for people', '<html><b>Not  found</b>\n<script>x</script>', 'Not found x'],
  ['keys and tokens', 'bad key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, Bearer abcdefgh12345', 'bad key …, …'],
  ['what hides or runs backwards', 'no\u200b \u202eway\u0000', 'no way'],
  ['nothing of the kind', 'unknown order_1Aa00000000001, code 4711', 'unknown order_1Aa00000000001, code 4711'],
  ['more than is kept', 'x'.repeat(500), 'x'.repeat(160)],
])('an answer that says %s', (_what, body, kept) => {
  expect(answerText(body, ['Asha "Rao"', 'Lake Road', 'ok'])).toBe(kept);
});

test('a receiver that echoes the whole request: no column about a person is kept, not even at the cut', async () => {
  const personal = {
    email: 'asha@example.com',
    contact: '+919876543210',
    description: 'Flat 7, Lake Road',
    vpa: 'asha@upi',
    notes: { who: 'Asha Rao' },
  };
  const [secrets, allow] = [parseSecrets('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), parseAllowList(['127.0.0.0/8'])];
  if (!secrets.ok || !allow.ok) throw new Error('the test is wrong');
  const line = { pieces: [{ kind: 'text' as const, text: 'x' }], variables: [] };
  const message: Message = {
    type: 'payment.captured',
    rule: 'captured',
    reminder: null,
    formats: createFormats('en-IN', 'Asia/Kolkata'),
    words: { title: line, text: line },
    subject: {
      ...{ kind: 'payment.captured', occurrence: '', family: 'payments', entityId: 'pay_1', status: 'captured' },
      ...{ at: instant(1_700_000_000_000), endpoint: null, columns: personal },
    },
  };
  for (const before of [0, 100, 140, 155]) {
    // What is about persons comes first: what is cut off proves nothing.
    const echo: Answer = (response, _socket, _count, { body }) => {
      const { columns } = (JSON.parse(body) as { readonly data: { readonly columns: Record<string, unknown> } }).data;
      const { description, notes, vpa, email, contact } = columns;
      response.writeHead(400).end(`${'e'.repeat(before)} ${JSON.stringify([description, notes, vpa, email, contact])}`);
    };
    const receiver = await startReceiver(echo);
    const channel = createSignedHttp(
      { secrets: secrets.value, personalColumns: new Set(Object.keys(personal)) },
      { url: receiver.url, allow: allow.value, connections: 1, timeoutMs: 5_000 },
    );
    const outcome = await channel.deliver(message, {
      ...{ notificationId: 'ntf_1', sequence: 1, attempt: 1 },
      signal: new AbortController().signal,
    });
    await channel.close();
    await receiver.close();
    expect(receiver.received[0]?.body).toContain('Asha Rao');
    const kept = outcome.kind === 'failed' ? outcome.reason : '';
    expect(kept).toMatch(/^HTTP 400: e* ?\["…"|^HTTP 400: e{155}/);
    expect(kept.length).toBeLessThanOrEqual('HTTP 400: '.length + 160);
    expect(kept).not.toMatch(/asha|98765|Lake|Flat/i);
  }
});
