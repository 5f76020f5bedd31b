import type { ServerResponse } from 'node:http';
import { startReceiver } from '../receiver.ts';
import type { Answer, Receiver } from '../receiver.ts';
import { createTestNotifier, SECRET } from './notifier.ts';
import type { TestNotifier } from './notifier.ts';

const closing: (() => Promise<void>)[] = [];

/** Closes after each test of a file what it has opened here. */
export const useReceivers = (): void => {
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
};

export const receiving = async (answer?: Answer): Promise<Receiver> => {
  const receiver = await startReceiver(answer, SECRET);
  closing.push(receiver.close);
  return receiver;
};

/** A destination of the file at a receiver of the test. */
export const at = (receiver: Receiver, more = ''): string =>
  `{type: http, url: "${receiver.url.href}", secrets_env: SECRETS, allow: [127.0.0.1]${more}}`;

export const notifying = async (rules: string): Promise<TestNotifier> => {
  const notifier = await createTestNotifier(rules, { SECRETS: SECRET });
  closing.push(notifier.close);
  return notifier;
};

/** Answers when the test says so. */
export const holding = (): { readonly answer: Answer; readonly held: ServerResponse[] } => {
  const held: ServerResponse[] = [];
  return { answer: (response) => void held.push(response), held };
};
