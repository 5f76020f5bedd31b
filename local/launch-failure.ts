import type { Code } from '#platform/log';

/**
 * A failure that the person at the terminal can act on: its message
 * is printed as it is, with its code and without a stack.
 */
export class LaunchFailure extends Error {
  override readonly name = 'LaunchFailure';
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown where a start is cut short because a stop was asked for; nothing went wrong. */
export class StoppedWhileStarting extends Error {
  override readonly name = 'StoppedWhileStarting';
}
