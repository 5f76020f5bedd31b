import type { Manifest } from './render.ts';

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly privileged?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}
interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string };
  };
}
export interface Pod {
  readonly object: Manifest;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

/** Every pod that the objects lead to: of Deployments, Jobs, CronJobs, and those that stand by themselves. */
export const podsOf = (objects: readonly Manifest[]): readonly Pod[] =>
  objects.flatMap((object): readonly Pod[] => {
    const spec = object['spec'] as never;
    const of = ({ metadata, spec: pod }: Template): Pod => ({ object, labels: metadata.labels, spec: pod });
    switch (object.kind) {
      case 'Deployment':
      case 'Job':
        return [of((spec as { readonly template: Template }).template)];
      case 'CronJob':
        return [
          of(
            (spec as { readonly jobTemplate: { readonly spec: { readonly template: Template } } }).jobTemplate.spec
              .template,
          ),
        ];
      case 'Pod':
        return [{ object, labels: object.metadata.labels ?? {}, spec }];
      default:
        return [];
    }
  });

export const containersOf = ({ spec }: Pod): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
];
interface SecretVolume {
  readonly secretName: string;
  readonly defaultMode?: number;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}
/** The Secret and the key that a file comes from which a variable of the container names; undefined when none does. */
export const secretBehind = (
  { spec }: Pod,
  { volumeMounts = [] }: Container,
  file: string,
): { readonly name: string; readonly key: string; readonly mode: number | undefined } | undefined => {
  const mount = volumeMounts.find(
    ({ mountPath, subPath }) => subPath === undefined && file.startsWith(`${mountPath}/`),
  );
  const volume = spec.volumes?.find(({ name }) => name === mount?.name);
  const secret = volume?.['secret'] as SecretVolume | undefined;
  if (mount === undefined || secret === undefined) return undefined;
  const path = file.slice(mount.mountPath.length + 1);
  const key = secret.items === undefined ? path : secret.items.find((item) => item.path === path)?.key;
  return key === undefined ? undefined : { name: secret.secretName, key, mode: secret.defaultMode };
};
export const componentOf = (labels: Readonly<Record<string, string>> | undefined): string =>
  labels?.['app.kubernetes.io/component'] ?? '';
