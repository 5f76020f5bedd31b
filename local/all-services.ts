/**
 * All services in one process, as `npm run dev` starts it again and again. `--after PID`: once that
 * process has ended, whose ports they take; their code is loaded by then.
 */
import { runServices } from '#platform/service';
import { until } from '#platform/time';
import { allServices } from '../services/services.ts';
import { identityOf } from './process-identity.ts';

/** The one before is killed sooner: its longest drain, and a margin. */
const ENDED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 10;

const [option, pid] = process.argv.slice(2);
if (option === '--after') await until(ENDED_WITHIN_MS, () => identityOf(Number(pid)) === undefined, LOOK_EVERY_MS);
await runServices('dakia', allServices);
