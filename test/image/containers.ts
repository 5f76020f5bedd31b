import { join } from 'node:path';
import { docker } from '../../deploy/image/docker.ts';
import { packagesIn } from '../kit/packages.ts';

/** What is used of testcontainers. */
interface StartedContainer {
  stop(options: { readonly timeout: number; readonly remove: boolean }): Promise<unknown>;
  getId(): string;
}
interface GenericContainer {
  withCommand(command: readonly string[]): this;
  withEnvironment(environment: Readonly<Record<string, string>>): this;
  withUser(user: string): this;
  withNetworkMode(mode: string): this;
  withDroppedCapabilities(...capabilities: readonly string[]): this;
  withSecurityOpt(...options: readonly string[]): this;
  withTmpFs(mounts: Readonly<Record<string, string>>): this;
  withResourcesQuota(quota: { readonly memory: number }): this;
  withWaitStrategy(strategy: unknown): this;
  withStartupTimeout(ms: number): this;
  start(): Promise<StartedContainer>;
}
interface Testcontainers {
  readonly GenericContainer: new (image: string) => GenericContainer & { hostConfig: Record<string, unknown> };
  readonly Wait: { readonly forLogMessage: (message: RegExp) => unknown };
}

const READY = /is ready"/;
const READY_WITHIN_MS = 120_000;
/** As much memory as the chart gives a service, in GiB. */
const MEMORY_GIB = 0.375;

export interface RunningService {
  readonly id: string;
  /** From the engine's start to the service's own word that it is ready. */
  readonly readyAfterMs: number;
  /** How much of that it has worked; the rest it has waited, for servers or for its turn on a busy machine. */
  readonly cpuMs: number;
  /** SIGTERM, and SIGKILL after this many seconds. */
  readonly stop: (seconds: number) => Promise<void>;
}

/**
 * Starts a service from the image as the chart runs it: not as root, nothing of its root file system can be written, no
 * capabilities, its memory limited. It shares the machine's network, where the tests' servers are.
 */
export const startService = async (
  image: string,
  service: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningService> => {
  // No image can be pulled, and its reaper is one: what the tests start they end.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  const { GenericContainer, Wait } = packagesIn(join(import.meta.dirname, 'tools'))('testcontainers') as Testcontainers;
  const container = new GenericContainer(image)
    .withCommand([service])
    .withEnvironment(environment)
    .withUser('65532:65532')
    .withNetworkMode('host')
    .withDroppedCapabilities('ALL')
    .withSecurityOpt('no-new-privileges')
    .withTmpFs({ '/tmp': 'rw,size=64m' })
    .withResourcesQuota({ memory: MEMORY_GIB })
    .withWaitStrategy(Wait.forLogMessage(READY))
    .withStartupTimeout(READY_WITHIN_MS);
  // It has no method for this.
  container.hostConfig['ReadonlyRootfs'] = true;
  const started = await container.start();
  const startedAt = docker(['inspect', '--format', '{{.State.StartedAt}}', started.getId()]);
  const ready =
    docker(['logs', started.getId()])
      .split('\n')
      .find((line) => READY.test(line)) ?? '{}';
  const { time: readyAt = '', cpuMs = Number.NaN } = JSON.parse(ready) as {
    readonly time?: string;
    readonly cpuMs?: number;
  };
  return {
    id: started.getId(),
    readyAfterMs: Date.parse(readyAt) - Date.parse(startedAt),
    cpuMs,
    stop: async (seconds) => void (await started.stop({ timeout: seconds * 1000, remove: false })),
  };
};
