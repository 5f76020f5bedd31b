import { runService } from '#runtime/service';
import { notifier } from './service.ts';

await runService(notifier);
