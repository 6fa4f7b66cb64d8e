import { expect, it } from 'vitest';
import { addCounts, closingLine, countVitest } from './summary.mjs';

const report = (more: object) => ({
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...more,
});

it('reads the counts of vitest', () => {
  expect(countVitest(report({ numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }))).toEqual({
    passed: 5,
    failed: 2,
    skipped: 2,
  });
});

it('counts a file that could not be loaded as one failure, and a file with a failed test not twice', () => {
  const unloaded = { status: 'failed', assertionResults: [] };
  const failed = { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] };
  const broken = { status: 'failed', assertionResults: [{ status: 'passed' }] };
  expect(countVitest(report({ numFailedTests: 1, testResults: [unloaded, failed, broken] })).failed).toBe(3);
});

it.each([null, {}, { numPassedTests: 3 }])('does not take %j for a report', (value) => {
  expect(() => countVitest(value)).toThrow(/did not run to its end/);
});

it('writes the closing line as continuous integration reads it', () => {
  const sum = addCounts([
    { passed: 5, failed: 0 },
    { passed: 90, failed: 1, skipped: 2 },
  ]);
  expect(closingLine(sum)).toBe('95 passed, 1 failed, 2 skipped');
  expect(closingLine({ passed: 3, failed: 0 })).toBe('3 passed, 0 failed');
});
