import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { chartTools } from '../chart/kit/tools.ts';

const execute = promisify(execFile);
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

const run = async (program: string, args: readonly string[], input?: string): Promise<string> => {
  const running = execute(program, [...args], { maxBuffer: OUTPUT_MAX_BYTES });
  if (input !== undefined) running.child.stdin?.end(input);
  const { stdout } = await running;
  return stdout;
};

/** kubectl and helm, in one namespace. Each throws with the program's own words. */
export interface Cluster {
  readonly namespace: string;
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  readonly apply: (object: unknown) => Promise<string>;
  /** Posts an object to a path of the API. */
  readonly post: (path: string, object: unknown) => Promise<string>;
  readonly helm: (...args: readonly string[]) => Promise<string>;
  /** What an object is now. */
  readonly get: <Found>(...args: readonly string[]) => Promise<Found>;
}

export const clusterIn = (namespace: string): Cluster => {
  const tools = chartTools();
  const kubectl = (...args: readonly string[]): Promise<string> =>
    run(tools.kubectl, ['--namespace', namespace, ...args]);
  return {
    namespace,
    kubectl,
    apply: (object) => run(tools.kubectl, ['--namespace', namespace, 'apply', '-f', '-'], JSON.stringify(object)),
    post: (path, object) => run(tools.kubectl, ['create', '--raw', path, '-f', '-'], JSON.stringify(object)),
    helm: (...args) => run(tools.helm, ['--namespace', namespace, ...args]),
    get: async <Found>(...args: readonly string[]) => JSON.parse(await kubectl('get', ...args, '-o', 'json')) as Found,
  };
};

export interface Pods {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly deletionTimestamp?: string;
    };
    readonly status: {
      readonly phase: string;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      readonly containerStatuses?: readonly {
        readonly restartCount: number;
        readonly state: { readonly waiting?: { readonly reason: string; readonly message?: string } };
      }[];
    };
  }[];
}

/** Asks the cluster to take a pod away as a drain of its node would; false when a disruption budget says not now. */
export const evict = async ({ namespace, post }: Cluster, pod: string): Promise<boolean> => {
  try {
    await post(`/api/v1/namespaces/${namespace}/pods/${pod}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod, namespace },
    });
    return true;
  } catch (error) {
    if (/disruption budget|TooManyRequests|429/i.test(String(error))) return false;
    throw error;
  }
};
