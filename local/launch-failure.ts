/** A failure that the person at the terminal can act on: its message is printed as it is, without a stack. */
export class LaunchFailure extends Error {
  override readonly name = 'LaunchFailure';
}

/** Thrown where a start is cut short because a stop was asked for; nothing went wrong. */
export class StoppedWhileStarting extends Error {
  override readonly name = 'StoppedWhileStarting';
}
