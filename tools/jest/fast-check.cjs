'use strict';
// What tests get as `fast-check` (jest.config.js): itself, told from
// outside where to begin and how many cases a property has.
const path = require('node:path');
const fc = require(path.join(__dirname, '..', '..', 'node_modules', 'fast-check', 'lib', 'cjs', 'fast-check.js'));

/**
 * `npm test -- FILE --seed N`: every property of the run begins from this seed, as fast-check prints it when one fails.
 */
const seed = process.env.DAKIA_TEST_SEED;
/** `npm run check`: the share of its cases that a property tries, up to 1. */
const share = Number(process.env.DAKIA_TEST_CASES || 1);
const CASES = 100; // fast-check's own number

if (seed !== undefined) fc.configureGlobal(Object.assign({}, fc.readConfigureGlobal(), { seed: Number(seed) }));

const assert = (property, settings) => {
  const cases = (settings && settings.numRuns) || CASES;
  return fc.assert(property, Object.assign({}, settings, { numRuns: Math.ceil(cases * share) }));
};
module.exports = Object.assign({}, fc, {
  __esModule: true,
  assert,
  default: Object.assign({}, fc.default, { assert }),
});
