import { runService } from '#platform/service';
import { accounts } from './service.ts';

await runService(accounts);
