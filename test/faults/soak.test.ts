import { soak } from '../soak/soak.ts';

/** Two minutes of faults, and what it takes to start before and to come to rest after. */
const MINUTES = 2;
const LIMIT_MS = 540_000;
const FEW = 300;

test(
  'two minutes of the soak: load with a random fault every few seconds, exact all the while',
  async () => {
    const report = await soak({ minutes: MINUTES, seed: 'ci', write: (line) => void process.stdout.write(line) });
    expect(report.events).toBeGreaterThan(FEW);
    expect(Object.keys(report.faults).length).toBeGreaterThan(2);
  },
  LIMIT_MS,
);
