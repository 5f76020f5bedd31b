export interface Probe {
  readonly java: () => string | undefined;
  readonly maven: () => string | undefined;
  readonly docker: () => boolean;
}
type Environment = Readonly<Record<string, string | undefined>>;
export type ServerSource = { readonly servers: 'given' | 'maven' | 'docker' } | { readonly missing: string };

export function machine(environment: Environment): Probe;
export function chooseServers(environment: Environment, probe: Probe): ServerSource;
export function javaMajor(output: string | undefined): number | undefined;
export function nodeTooOld(version: string): string | undefined;
