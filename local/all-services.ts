/** All services in one process, as `npm run dev` starts it again and again. */
import { runServices } from '#platform/service';
import { allServices } from '../services/services.ts';

await runServices('dakia', allServices);
