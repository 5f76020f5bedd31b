import { clearLine, redrawLine } from './terminal.ts';

const WIDTH = 30;
/** Between two drawings, in ms: a bar needs no more, and a terminal is slower than a loopback. */
const DRAW_EVERY_MS = 100;

/** A bar on stderr, only where a person watches it; answers what to call when work has advanced, and at the end. */
export const progressBar = (
  label: string,
  total: number,
): { readonly advance: (done: number) => void; readonly end: () => void } => {
  if (!process.stderr.isTTY) return { advance: () => undefined, end: () => undefined };
  let drawnAt = 0;
  const draw = (done: number): void => {
    const filled = Math.round((WIDTH * done) / Math.max(1, total));
    redrawLine(process.stderr, `${label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total}`);
  };
  return {
    advance: (done) => {
      if (done < total && performance.now() - drawnAt < DRAW_EVERY_MS) return;
      drawnAt = performance.now();
      draw(done);
    },
    end: () => clearLine(process.stderr),
  };
};
