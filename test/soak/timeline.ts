/** What happened when, for the report of a failure. */
export interface Timeline {
  readonly note: (text: string) => void;
  readonly text: () => string;
}

export const createTimeline = (write: (line: string) => void): Timeline => {
  const began = performance.now();
  const lines: string[] = [];
  return {
    note: (text) => {
      const line = `${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`;
      lines.push(line);
      write(`  soak: ${line}\n`);
    },
    text: () => lines.join('\n'),
  };
};
