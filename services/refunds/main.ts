import { runService } from '#platform/service';
import { refunds } from './service.ts';

await runService(refunds);
