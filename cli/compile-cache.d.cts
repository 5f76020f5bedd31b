export declare const compileCacheFolder: (root?: string) => string | undefined;
