import { runService } from '#runtime/service';
import { quarantine } from './service.ts';

await runService(quarantine);
