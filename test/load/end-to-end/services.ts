/** Every service in one process, as under `npm start`. Started by measure.ts. */
import { processEnvironment } from '#platform/config';
import { startServices } from '#platform/service';
import { allServices } from '../../../services/services.ts';
import { answerParent } from '../answer-parent.ts';

let stop: () => Promise<unknown> = async () => undefined;

answerParent({
  start: async () => {
    const started = await startServices('dakia', allServices, processEnvironment());
    if (!started.ok) throw new Error(started.issues.join('; '));
    stop = started.value.stop;
  },
  stop: () => stop(),
});
