/**
 * The image's one program: its first argument is a service
 * (`payments`), or `cli` with a command of dakia (`cli migrate`).
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..', '..');
const mainOf = (service: string): string => join(root, 'services', service, 'main.ts');
const services = readdirSync(join(root, 'services')).filter((name) => existsSync(mainOf(name)));

const [node = '', , name = '', ...rest] = process.argv;
const program = name === 'cli' ? join(root, 'cli', 'dakia.ts') : services.includes(name) ? mainOf(name) : undefined;

if (program === undefined) {
  process.stderr.write(
    `Give a service (${services.join(', ')}) or a command: cli COMMAND, for example cli ` +
      `migrate${name === '--help' ? '' : `; ${name === '' ? 'nothing' : JSON.stringify(name)} is neither`}\n`,
  );
  process.exit(name === '--help' ? 0 : 78);
}
process.argv = [node, program, ...rest];
await import(pathToFileURL(program).href);
