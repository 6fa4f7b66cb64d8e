/** Adds up what the steps of `npm test` report into its closing line. */

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} [skipped]
 */

/**
 * Reads vitest's JSON report. A file that failed to load holds no test, so it counts as one failure of its own.
 * @param {unknown} report
 * @returns {Counts}
 */
export function countVitest(report) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } =
    /** @type {Record<string, unknown>} */ (report ?? {});
  if (typeof numPassedTests !== 'number' || typeof numFailedTests !== 'number' || !Array.isArray(testResults)) {
    throw new Error('vitest wrote a report without counts: it did not run to its end');
  }
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((/** @type {{status: string}} */ test) => test.status === 'failed'),
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: Number(numPendingTests ?? 0) + Number(numTodoTests ?? 0),
  };
}

/**
 * @param {Counts[]} all
 * @returns {Required<Counts>}
 */
export function addCounts(all) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped = 0 } of all) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

/**
 * @param {Counts} counts
 * @returns {string} `N passed, N failed`, and `, N skipped` when there are any
 */
export function closingLine({ passed, failed, skipped = 0 }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
