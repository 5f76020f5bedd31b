import { parseEnv } from 'node:util';

const BASES = ['BUILD_BASE_IMAGE', 'RUNTIME_BASE_IMAGE'] as const;
const BY_DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/**
 * The two bases that the text of deploy/images.env names. Throws where one is not named by its digest: a tag may be
 * another image tomorrow, and the same commit would then not be the same image.
 */
export const pinnedBases = (text: string): readonly [build: string, runtime: string] => {
  const images = parseEnv(text);
  const [build, runtime] = BASES.map((name) => {
    const image = images[name] ?? '';
    if (!BY_DIGEST.test(image))
      throw new Error(
        `deploy/images.env: ${name} is ${JSON.stringify(image)}: give name:tag@sha256:<64 hex digits>, so that ` +
          'the same commit is built on the same base',
      );
    return image;
  }) as [string, string];
  return [build, runtime];
};
