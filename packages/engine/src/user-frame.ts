/** Frames of tfjs, of this package and of Node itself are not the user's. */
const FOREIGN =
  /node_modules[\\/]|node:internal|[\\/]tfjs-(core|node|node-gpu)[\\/]src[\\/]|[\\/]engine[\\/](src|dist)[\\/](?!.*\.test\.)/;
const FRAME_LIMIT = 60;

/**
 * The innermost line of the user's own code on the stack, as ` at file:line`; empty if there is none.
 * An operation of a gradient has no line of its own: then it is the line that asked for the gradient.
 */
export function userFrame(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAME_LIMIT;
  const stack = new Error().stack ?? '';
  Error.stackTraceLimit = limit;
  for (const line of stack.split('\n').slice(1)) {
    if (FOREIGN.test(line)) continue;
    const place = /\(?((?:file:\/\/)?[^()\s]+:\d+):\d+\)?$/.exec(line.trim())?.[1];
    if (place) return ` at ${place.replace(/^file:\/\//, '')}`;
  }
  return '';
}
