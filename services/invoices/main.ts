import { runService } from '#runtime/service';
import { invoices } from './service.ts';

await runService(invoices);
