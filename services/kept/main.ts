import { runService } from '#platform/service';
import { defineDomainService } from '../domain-service.ts';

await runService(defineDomainService('kept'));
