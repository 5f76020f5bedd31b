import { runService } from '#platform/service';
import { payments } from './service.ts';

await runService(payments);
