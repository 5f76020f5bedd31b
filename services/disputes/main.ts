import { runService } from '#platform/service';
import { disputes } from './service.ts';

await runService(disputes);
