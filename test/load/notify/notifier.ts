/** The notifier, relay and workers, as a process of its own. Started by measure.ts. */
import { processEnvironment } from '#platform/config';
import { startServices } from '#platform/service';
import { notifier } from '../../../services/notifier/service.ts';
import { answerParent } from '../answer-parent.ts';

let stop: () => Promise<unknown> = async () => undefined;

answerParent({
  start: async () => {
    const started = await startServices('notifier', [notifier], processEnvironment());
    if (!started.ok) throw new Error(started.issues.join('; '));
    stop = started.value.stop;
  },
  stop: () => stop(),
});
