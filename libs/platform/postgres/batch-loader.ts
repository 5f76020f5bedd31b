import DataLoader from 'dataloader';
import { classifyError } from './error-class.ts';

/** How one call over many keys answers for one of them. */
type Each<Value> = Value | Error;

/**
 * Makes single calls of a call for many: what is asked while one is under way goes together in the next, at most `max`
 * at once. So a busy worker costs few statements, and an idle one waits for nothing. When Postgres refuses a call for
 * what is in it, each of its keys is tried alone, so that one cannot spoil the others.
 */
export const batchLoader = <Key, Value>(
  work: (keys: readonly Key[]) => Promise<readonly Each<Value>[]>,
  max: number,
): ((key: Key) => Promise<Value>) => {
  let underWay: Promise<unknown> = Promise.resolve();
  const alone = async (key: Key): Promise<Each<Value>> => {
    try {
      const [value] = await work([key]);
      return value === undefined ? new Error('no answer') : value;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  const together = async (keys: readonly Key[]): Promise<readonly Each<Value>[]> => {
    try {
      return await work(keys);
    } catch (error) {
      if (keys.length === 1 || classifyError(error) === 'infrastructure') throw error;
      return Promise.all(keys.map(alone));
    }
  };
  const loader = new DataLoader<Key, Value>(
    (keys) => {
      const answer = together(keys);
      underWay = answer.catch(() => undefined);
      return answer;
    },
    {
      cache: false,
      maxBatchSize: max,
      batchScheduleFn: (dispatch) => void underWay.then(() => setImmediate(dispatch)),
    },
  );
  return (key) => loader.load(key);
};
