/** A container of the image as a namespace that enforces the restricted Pod Security Standard takes it. */
export interface PodWish {
  readonly name: string;
  readonly image: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** A program in JavaScript instead of the image's own; it can use the packages of the image. */
  readonly program?: string;
  readonly env?: readonly unknown[];
  /** Secrets to mount, by folder. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export const restrictedPod = ({
  name,
  image,
  labels = {},
  args,
  program,
  env = [],
  secrets = {},
}: PodWish): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'main',
        image,
        imagePullPolicy: 'IfNotPresent',
        ...(program === undefined ? { args } : { command: ['/usr/local/bin/node', '-e', program] }),
        env,
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        resources: { requests: { cpu: '10m', memory: '256Mi' }, limits: { memory: '256Mi' } },
        volumeMounts: [
          { name: 'tmp', mountPath: '/tmp' },
          ...Object.entries(secrets).map(([mountPath, secret]) => ({ name: secret, mountPath, readOnly: true })),
        ],
      },
    ],
    volumes: [
      { name: 'tmp', emptyDir: {} },
      ...Object.values(secrets).map((secret) => ({ name: secret, secret: { secretName: secret } })),
    ],
  },
});
