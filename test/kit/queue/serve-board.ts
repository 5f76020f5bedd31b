/**
 * Serves the page of queues on a free ops port until stdin ends, and says where. A process
 * of its own, with the settings of its environment; the queues come from the arguments.
 */
import promClient from 'prom-client';
import { boardSettings, processEnvironment, queueSettings, readConfig, redisSettings } from '#platform/config';
import { createLogger } from '#platform/log';
import { mountQueueBoard } from '#platform/queue';
import { instant } from '#rules';
import { createOpsServer } from '../../../libs/platform/service/ops-server.ts';
import type { OpsPlugin } from '../../../libs/platform/service/ops-server.ts';

const config = readConfig({ ...redisSettings, ...queueSettings, ...boardSettings }, processEnvironment());
if (!config.ok) throw new Error(config.issues.join('; '));
const plugins: OpsPlugin[] = [];
mountQueueBoard(
  {
    addOpsPlugin: (plugin) => void plugins.push(plugin),
    log: createLogger('board', 'warn', { write: (line) => void process.stderr.write(line) }),
  },
  config.value,
  process.argv.slice(2),
);
const ops = createOpsServer({
  host: '127.0.0.1',
  port: 0,
  registry: new promClient.Registry(),
  readiness: () => ({ status: 'ready', reasons: [], stages: [], dependencies: {} }),
  plugins: () => plugins,
});
await ops.start();
process.stdout.write(`${ops.port()}\n`);
process.stdin.on('end', () => void ops.stop(instant(Date.now() + 1_000)).then(() => process.exit(0))).resume();
