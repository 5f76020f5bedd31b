export type { FamilyWorld } from './laws.ts';
export { arrive, bareSnapshot, followsItsTable, obeysTheLaws, throughStore } from './laws.ts';
