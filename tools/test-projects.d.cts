export type Project = 'unit' | 'rules' | 'chart' | 'integration' | 'faults' | 'long' | 'image';
export declare const PROJECTS: readonly { readonly name: Project; readonly pattern: string }[];
export declare const projectOf: (path: string) => Project | undefined;
export declare const jestPatterns: (name: Project) => {
  readonly testRegex: string;
  readonly testPathIgnorePatterns: readonly string[];
};
export declare const testsNeedServers: (args: readonly string[]) => boolean;
