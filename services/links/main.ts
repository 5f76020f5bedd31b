import { runService } from '#runtime/service';
import { links } from './service.ts';

await runService(links);
