import { runService } from '#runtime/service';
import { ingest } from './service.ts';

await runService(ingest);
