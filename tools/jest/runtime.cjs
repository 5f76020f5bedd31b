'use strict';
// How jest loads a test file (jest.config.js): by Node's own loader, which strips the types and keeps what it has
// loaded for the next file of the same process. What jest calls stands in its runTest.ts and jestAdapter.ts.
const { registerHooks } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const fastCheck = pathToFileURL(path.join(__dirname, 'fast-check.cjs')).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'fast-check' ? { url: fastCheck, format: 'commonjs', shortCircuit: true } : next(specifier, context),
});

module.exports = class NodeRuntime {
  /** jest-circus, which keeps the tests of a file: one for each, so that no file sees the hooks of another. */
  requireInternalModule(file) {
    delete require.cache[file];
    delete globalThis[Symbol.for('EVENT_HANDLERS')];
    return require(file);
  }

  requireModule(file) {
    return require(file);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  unstable_importModule(file) {
    return import(pathToFileURL(file).href);
  }

  getSourceMaps() {
    return new Map();
  }

  getAllCoverageInfoCopy() {
    return undefined;
  }

  /** They guard jest's sandbox. */
  setGlobalsForRuntime() {}
  enterTestCode() {}
  leaveTestCode() {}
  teardown() {}
};
