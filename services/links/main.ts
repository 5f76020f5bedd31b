import { runService } from '#platform/service';
import { links } from './service.ts';

await runService(links);
