import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const LOCALHOST = { type: 2, value: 'localhost' } as const;
const LOOPBACK = { type: 7, ip: '127.0.0.1' } as const;

/**
 * Writes `<name>.crt` and `<name>.key` into the folder: a certificate that
 * is its own authority, for localhost, and for 127.0.0.1 unless `byName`.
 */
export const makeCertificate = async (
  folder: string,
  name: string,
  { byName = false } = {},
): Promise<CertificateFiles> => {
  const made = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: byName ? [LOCALHOST] : [LOCALHOST, LOOPBACK] },
    ],
  });
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  writeFileSync(files.certFile, made.cert);
  writeFileSync(files.keyFile, made.private);
  return files;
};
