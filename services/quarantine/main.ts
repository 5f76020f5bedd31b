import { runService } from '#platform/service';
import { quarantine } from './service.ts';

await runService(quarantine);
