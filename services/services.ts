import { accounts } from './accounts/service.ts';
import { disputes } from './disputes/service.ts';
import { ingest } from './ingest/service.ts';
import { invoices } from './invoices/service.ts';
import { links } from './links/service.ts';
import { notifier } from './notifier/service.ts';
import { payments } from './payments/service.ts';
import { quarantine } from './quarantine/service.ts';
import { refunds } from './refunds/service.ts';

/** Every service, in the order in which one process starts them: what is written to first, so that readers are there before writers. */
export const allServices = [notifier, payments, disputes, refunds, accounts, links, invoices, quarantine, ingest] as const;
