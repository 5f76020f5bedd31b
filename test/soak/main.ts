/** `npm run soak -- --minutes N --seed S`: see README.md. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const USAGE = `npm run soak [-- --minutes N] [--seed S]

Runs Dakia on servers of its own under load, with a fault every few seconds, and judges it all the while. Exits 1 at the first
promise that is broken, with the seed and a timeline.
  --minutes N  1 to 600 (default: 10)
  --seed S     the same faults in the same order (default: random, printed)
`;
const MINUTES_MAX = 600;

const options = {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  help: { type: 'boolean' },
} as const;
const { values } = parseArgs({ options });
const minutes = Number(values.minutes);
if (values.help === true || !Number.isFinite(minutes) || minutes < 1 || minutes > MINUTES_MAX) {
  process.stderr.write(USAGE);
  process.exit(values.help === true ? 0 : 2);
}
// The servers end with this process, if it gets to say so.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  const report = await soak({
    minutes,
    seed: values.seed ?? randomBytes(4).toString('hex'),
    write: (line) => void process.stdout.write(line),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// After a failure deliveries of the load may still be due, which nobody answers any more.
process.exit();
