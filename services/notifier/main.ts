import { runService } from '#platform/service';
import { notifier } from './service.ts';

await runService(notifier);
