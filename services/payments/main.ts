import { runService } from '#runtime/service';
import { payments } from './service.ts';

await runService(payments);
