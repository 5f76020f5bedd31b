import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The java that Maven would use too: JAVA_HOME's, else the one on the PATH. */
export const javaCommand = (): string => {
  const home = process.env['JAVA_HOME'];
  const byHome = home === undefined || home === '' ? undefined : join(home, 'bin', 'java');
  return byHome !== undefined && existsSync(byHome) ? byHome : 'java';
};

/** Small and quick to start rather than fast at its peak; a server without memory ends instead of limping on. */
export const javaFlags = (heap: string): readonly string[] => [
  `-Xmx${heap}`,
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
];
