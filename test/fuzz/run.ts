/**
 * `npm run fuzz -- --seconds N --seed S`: inputs by chance at the
 * webhook port and at the rules. Exits 1 when a promise does not hold.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (!(seconds > 0) || !Number.isInteger(seed))
  throw new Error('Give --seconds as a number above 0 and --seed as a whole number.');
process.stdout.write(`fuzzing for ${seconds} s with seed ${seed}\n`);
const { cases, failures } = await fuzz({ seconds, seed });
for (const failure of failures) process.stdout.write(`${failure}\n`);
process.stdout.write(`${cases} inputs, ${failures.length} failures (seed ${seed})\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
