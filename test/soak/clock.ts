/**
 * Loaded into every service of a soak by NODE_OPTIONS: SIGUSR2 steps the process' wall clock, an hour ahead and back
 * again in turn, as an operator or a time server does. The monotonic clock is left alone, as it is then.
 */
const STEP_MS = 3_600_000;
const Unshifted = Date;
let shiftMs = 0;

const shifted = new Proxy(Unshifted, {
  construct: (target, given, self): Date =>
    Reflect.construct(target, given.length === 0 ? [target.now() + shiftMs] : given, self) as Date,
  apply: () => new Unshifted(Unshifted.now() + shiftMs).toString(),
  get: (target, name, self): unknown =>
    name === 'now' ? () => target.now() + shiftMs : Reflect.get(target, name, self),
});
globalThis.Date = shifted;
process.on('SIGUSR2', () => {
  shiftMs = shiftMs === 0 ? STEP_MS : 0;
});
