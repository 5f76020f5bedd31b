export type { FamilyWorld } from './laws.ts';
export { arrive, bareSnapshot, followsItsTable, obeysTheLaws, throughStore } from './laws.ts';
export { inEveryOrder } from './orders.ts';
export type { PublishedBody } from './published.ts';
export { publishedBodies, snapshotOf } from './published.ts';
