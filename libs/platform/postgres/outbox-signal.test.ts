import { getEventListeners } from 'node:events';
import { eventually } from '#kit/eventually';
import { createOutboxListener } from './outbox-signal.ts';

test('a listener that cannot connect leaves nothing behind with each try', async () => {
  const asked: EventTarget[] = [];
  // Node's own method, which also notes which signals were asked.
  const { addEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (this: EventTarget, ...given) {
    if (given[0] === 'abort') asked.push(this);
    addEventListener.apply(this, given);
  };
  const listener = createOutboxListener({
    // Nobody listens on port 1.
    url: 'postgres://nobody@127.0.0.1:1/none',
    role: 'dakia_notifier',
    applicationName: 'test',
    onSignal: () => undefined,
    log: { warn: () => undefined, info: () => undefined } as never,
  });
  listener.start();
  try {
    await eventually('some tries', async () => asked.length >= 4, 10_000);
    for (const signal of new Set(asked)) expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
  } finally {
    EventTarget.prototype.addEventListener = addEventListener;
    await listener.stop();
  }
}, 15_000);
