import { chmodSync, writeFileSync } from 'node:fs';

/** A server certificate with its key (PKCS#8), as PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const PRIVATE_MODE = 0o600;

/** Writes a file that only its owner may read, also where it existed with other rights. */
export const writePrivate = (path: string, text: string): void => {
  writeFileSync(path, text, { mode: PRIVATE_MODE });
  chmodSync(path, PRIVATE_MODE);
};
