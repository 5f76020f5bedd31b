import { runService } from '#platform/service';
import { ingest } from './service.ts';

await runService(ingest);
