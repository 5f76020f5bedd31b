import { runService } from '#platform/service';
import { quarantine } from '../domain-service.ts';

await runService(quarantine);
