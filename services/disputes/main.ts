import { runService } from '#runtime/service';
import { disputes } from './service.ts';

await runService(disputes);
