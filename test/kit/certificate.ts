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
 * Writes `<name>.crt` and `<name>.key` into the folder: a certificate that is its own authority, for localhost, for
 * 127.0.0.1 unless `byName`, and for the IP address `also`.
 */
export const makeCertificate = async (
  folder: string,
  name: string,
  { byName = false, also }: { readonly byName?: boolean; readonly also?: string } = {},
): Promise<CertificateFiles> => {
  const made = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [
          LOCALHOST,
          ...(byName ? [] : [LOOPBACK]),
          ...(also === undefined ? [] : [{ type: 7, ip: also } as const]),
        ],
      },
    ],
  });
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  writeFileSync(files.certFile, made.cert);
  writeFileSync(files.keyFile, made.private);
  return files;
};
