import { expect, it } from 'vitest';
import { userFrame } from './user-frame.js';

it("is the innermost line that is not tfjs's, Node's or the engine's", () => {
  const frame = [1].map(() => userFrame())[0];
  expect(frame).toMatch(/^ at .*user-frame\.test\.ts:\d+$/);
});

it('leaves the stack limit as it was', () => {
  const limit = Error.stackTraceLimit;
  userFrame();
  expect(Error.stackTraceLimit).toBe(limit);
});
