/** For so long, in ms, a line that was logged is not logged again; then how often that was. */
const HELD_BACK_MS = 10_000;
/** Lines that are remembered; what comes beyond them is logged as it is. */
const LINES_MAX = 500;

interface Held {
  times: number;
  /** Logs the latest of them. */
  again: (repeated: number) => void;
}

/** Holds back lines that say the same as one before. */
export interface Repeats {
  /**
   * Logs now with `log(0)`, or later once with the number of those
   * that were held back. `line` says what makes two lines the same.
   */
  readonly admit: (line: string, log: (repeated: number) => void) => void;
}

export const createRepeats = (): Repeats => {
  const lines = new Map<string, Held>();

  const rest = (line: string, held: Held): void => {
    setTimeout(() => {
      const { times } = held;
      held.times = 0;
      if (times === 0) return void lines.delete(line);
      held.again(times);
      rest(line, held);
    }, HELD_BACK_MS).unref();
  };

  return {
    admit: (line, log) => {
      const held = lines.get(line);
      if (held !== undefined) {
        held.times += 1;
        held.again = log;
        return;
      }
      if (lines.size < LINES_MAX) {
        const first = { times: 0, again: log };
        lines.set(line, first);
        rest(line, first);
      }
      log(0);
    },
  };
};

/** What a line says, without numbers: times, counts and offsets that differ make no other trouble. */
export const gistOfLine = (parts: readonly unknown[]): string => parts.map(gist).join('\n');

const gist = (part: unknown): string => {
  if (typeof part === 'string') return part;
  if (part instanceof Error) return `${part.name} ${part.message}`;
  if (Array.isArray(part)) return part.map(gist).join(' ');
  if (typeof part !== 'object' || part === null) return '';
  return Object.entries(part)
    .map(([name, value]) => `${name} ${gist(value)}`)
    .join('\n');
};
