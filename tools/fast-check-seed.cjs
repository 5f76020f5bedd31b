'use strict';
// `npm test -- FILE --seed N`: every property of the run begins from this seed, as fast-check prints it when one fails.
const fc = require('fast-check');

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.DAKIA_TEST_SEED) });
