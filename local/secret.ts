import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StateFolder } from './folders.ts';
import { writePrivate } from './private-files.ts';

const SECRET_BYTES = 32;

/** The webhook's signing secret of this stack: random, made once, readable by its owner alone. Answers the file's path. */
export const secretFile = ({ root }: StateFolder): string => {
  const file = join(root, 'secret');
  if (!existsSync(file)) writePrivate(file, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
  return file;
};
