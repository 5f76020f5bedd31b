import { runService } from '#platform/service';
import { invoices } from './service.ts';

await runService(invoices);
