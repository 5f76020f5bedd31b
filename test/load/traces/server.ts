/**
 * Ingest on several ports of one process, with traces and without: the same producer, heap and compiled code, which
 * between two processes differ by more than what is to be told apart. Started by measure.ts.
 */
import { topics } from '#catalogue';
import { processEnvironment } from '#platform/config';
import { createProducer } from '#kafka';
import { createLogger } from '#platform/log';
import { defineService } from '#platform/service';
import { openTracing } from '#platform/trace';
import type { Tracing } from '#platform/trace';
import { createKeyring } from '../../../services/ingest/keyring.ts';
import { ingestSettings } from '../../../services/ingest/settings.ts';
import { answerParent } from '../answer-parent.ts';
import { receiving, startOne } from '../ingest/receiving.ts';
import { COLLECTOR, PORTS, RATIOS, sides } from './sides.ts';
import type { Side } from './sides.ts';

const tracings = new Map<Side, Tracing>();
let stop: () => Promise<unknown> = async () => undefined;

/** As a process opens its traces (#platform/service), once for each share. */
const openEach = async (environment: Readonly<Record<string, string | undefined>>): Promise<void> => {
  const log = createLogger('ingest', 'warn');
  for (const side of sides) {
    const traceRatio = RATIOS[side];
    if (traceRatio === undefined) continue;
    const opened = await openTracing(
      { traceEndpoint: environment[COLLECTOR], traceHeaders: () => ({}), traceRatio },
      log,
    );
    if (opened !== undefined) tracings.set(side, opened);
  }
};

const sideBySide = (ports: Readonly<Record<Side, number>>) =>
  defineService({
    name: 'ingest',
    settings: ingestSettings,
    components: (host) => {
      const producer = createProducer({ ...host, clientId: 'dakia-ingest', topics });
      const keyring = createKeyring(host);
      return [
        ...[...tracings.values()].map(({ component }) => component),
        producer,
        keyring,
        ...sides.map((side) =>
          receiving({ ...host, tracer: tracings.get(side)?.tracerOf('ingest') }, producer, keyring, ports[side]),
        ),
      ];
    },
  });

answerParent({
  start: async () => {
    const environment = processEnvironment();
    await openEach(environment);
    ({ stop } = await startOne(sideBySide(JSON.parse(environment[PORTS] ?? '{}') as Record<Side, number>)));
  },
  flush: (side) => tracings.get(side as Side)?.flush(),
  stop: () => stop(),
});
