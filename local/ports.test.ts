import { freePort } from './ports.ts';

/** So many that two of them would be the same in 49 of 50 runs, if nothing kept them apart. */
const DRAWN = 300;

test('no port is given twice, also when many are drawn before the first is listened on', async () => {
  const ports = new Set<number>();
  for (let draw = 0; draw < DRAWN; draw += 1) ports.add(await freePort());
  expect(ports.size).toBe(DRAWN);
});
