import type { Random } from '../random.ts';

/**
 * Who pays. Names in several scripts, so that bodies carry characters
 * outside ASCII; addresses that can never be real ones.
 */
export interface Person {
  readonly name: string;
  readonly email: string;
  readonly contact: string;
  readonly vpa: string;
}

const PEOPLE = [
  ['Asha Rao', 'asha.rao'],
  ['दिव्या शर्मा', 'divya.sharma'],
  ['Imran Qureshi', 'imran.q'],
  ['மீனா குமார்', 'meena.kumar'],
  ['José "Pepe" D\'Souza', 'jose.dsouza'],
  ['Lakshmi N. / Sons', 'lakshmi.n'],
] as const;

export const newPerson = (random: Random): Person => {
  const [name, handle] = random.pick(PEOPLE);
  return { name, email: `${handle}@example.com`, contact: `+9190000${random.digits(5)}`, vpa: `${handle}@examplebank` };
};
