import { defineQuarantineService } from '../domain-service.ts';

/** Keeps authentic deliveries that no catalogue row understands, with the reason, in webhook_events. */
export const quarantine = defineQuarantineService();
