import { runService } from '#runtime/service';
import { accounts } from './service.ts';

await runService(accounts);
