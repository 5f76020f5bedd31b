'use strict';
// What a test file runs in (jest.config.js): Node as it is. Jest's own environment is a sandbox, for which it reads,
// transforms and runs every module anew for each test file: more than half of the CPU of a run (docs/adr/0018).
const { ModernFakeTimers } = require('@jest/fake-timers');

/** Where jest-circus looks for the bound that `jest.setTimeout` has set. */
const TEST_TIMEOUT = Symbol.for('TEST_TIMEOUT_SYMBOL');

/** What the next file of the same process must find as this one did. */
const remember = () => {
  const { console: itsConsole } = globalThis;
  const { exit, exitCode } = process;
  const env = { ...process.env };
  const { stackTraceLimit } = Error;
  return () => {
    globalThis.console = itsConsole;
    process.exit = exit;
    process.exitCode = exitCode;
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    Error.stackTraceLimit = stackTraceLimit;
    delete globalThis[TEST_TIMEOUT];
    delete globalThis.jest;
  };
};

module.exports = class NodeItself {
  constructor({ projectConfig }) {
    this.restore = remember();
    this.global = globalThis;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    /** That of @types/jest, as far as our tests may use it: .oxlintrc.json refuses the rest. */
    globalThis.jest = {
      setTimeout: (ms) => void (globalThis[TEST_TIMEOUT] = ms),
      useFakeTimers: (settings) => this.fakeTimersModern.useFakeTimers(settings),
      useRealTimers: () => this.fakeTimersModern.useRealTimers(),
      advanceTimersByTime: (ms) => this.fakeTimersModern.advanceTimersByTime(ms),
      advanceTimersByTimeAsync: (ms) => this.fakeTimersModern.advanceTimersByTimeAsync(ms),
      setSystemTime: (now) => this.fakeTimersModern.setSystemTime(now),
      getTimerCount: () => this.fakeTimersModern.getTimerCount(),
    };
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    this.restore();
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  /** Jest asks for it; there is none. */
  getVmContext() {
    return null;
  }
};
