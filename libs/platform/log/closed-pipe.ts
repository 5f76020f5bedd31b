/**
 * A reader such as head that has seen enough closes the pipe: nothing
 * is wrong. What was begun is done, and the code is the verdict's.
 */
export const goOnWithClosedPipe = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
};
