import { provideServers } from './servers.ts';

/** Jest runs this once before the integration and fault tests; what it starts is stopped by global-teardown.ts. */
export default async (): Promise<void> => {
  Reflect.set(globalThis, '__dakiaStopServers', await provideServers());
};
