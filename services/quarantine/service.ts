import { QUARANTINE_SERVICE } from '#catalogue';
import { defineDomainService } from '#domain-service';

/** Keeps authentic deliveries that no catalogue row understands, with the reason, in webhook_events. */
export const quarantine = defineDomainService(QUARANTINE_SERVICE, []);
