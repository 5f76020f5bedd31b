import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '#kit';
import { DOMAIN_SERVICES } from './fixture.ts';
import type { Fault, Fixture } from './fixture.ts';

/** Longer than the session of a member, so that others take over what a frozen one still believes to have. */
const ZOMBIE_MS = { min: 3_000, max: 14_000 } as const;
const MEMBERS = 3;
const MEMBER_MS = { min: 500, max: 4_000 } as const;
const CLOCK_MS = { min: 2_000, max: 8_000 } as const;
const ENDED_WITHIN_MS = 40_000;

let members = 0;

const killed = async ({ system, random, note }: Fixture): Promise<void> => {
  const name = random.pick(['ingest', 'payments', 'refunds', 'disputes', 'notifier', 'quarantine']);
  note(`${name} gets kill -9`);
  await system.service(name).signal('SIGKILL');
  await system.service(name).restart();
};

const zombie = async ({ system, random, note }: Fixture): Promise<void> => {
  const name = random.pick(DOMAIN_SERVICES);
  const ms = random.whole(ZOMBIE_MS.min, ZOMBIE_MS.max);
  note(`${name} is frozen for ${ms} ms beside a second one`);
  const second = await system.another(name, `${name}-${(members += 1)}`);
  await system.service(name).signal('SIGSTOP');
  try {
    await sleep(ms);
  } finally {
    await system.service(name).signal('SIGCONT');
  }
  await second.signal('SIGTERM');
  await eventually(`${second.name} has ended`, () => !second.isRunning(), ENDED_WITHIN_MS);
};

const comeAndGo = async ({ system, random, note }: Fixture): Promise<void> => {
  const name = random.pick(DOMAIN_SERVICES);
  note(`${MEMBERS} further members of ${name} come and go`);
  const plans = Array.from({ length: MEMBERS }, () => ({
    ms: random.whole(MEMBER_MS.min, MEMBER_MS.max),
    by: random.chance(0.5) ? ('SIGTERM' as const) : ('SIGKILL' as const),
  }));
  await Promise.all(
    plans.map(async ({ ms, by }) => {
      const member = await system.another(name, `${name}-${(members += 1)}`);
      await sleep(ms);
      await member.signal(by);
      await eventually(`${member.name} has ended`, () => !member.isRunning(), ENDED_WITHIN_MS);
    }),
  );
};

const clockSteps = async ({ system, random, note }: Fixture): Promise<void> => {
  const name = random.pick(['ingest', ...DOMAIN_SERVICES]);
  const ms = random.whole(CLOCK_MS.min, CLOCK_MS.max);
  note(`the clock of ${name} is an hour ahead for ${ms} ms`);
  await system.service(name).signal('SIGUSR2');
  await sleep(ms);
  await system.service(name).signal('SIGUSR2');
};

export const processFaults: readonly Fault[] = [
  { name: 'kill -9', happen: killed },
  { name: 'zombie consumer', happen: zombie },
  { name: 'members come and go', happen: comeAndGo },
  { name: 'clock step', happen: clockSteps },
];
