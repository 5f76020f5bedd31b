import { runService } from '#runtime/service';
import { refunds } from './service.ts';

await runService(refunds);
