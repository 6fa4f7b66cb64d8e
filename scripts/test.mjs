/**
 * `npm test`: the checks (which build), every package as its users get it, then every test. Output streams as it comes; the last line is
 * `N passed, N failed` (`, N skipped` may follow), where each check and each package counts as one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkParts, runParts } from './check/parts.mjs';
import { packParts } from './packages/packs.mjs';
import { addCounts, closingLine, countVitest } from './test/summary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'codiff-test-'));

/** @param {string[]} args to Node @returns {Promise<number>} exit code */
function runNode(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      console.error(`could not start node ${args[0]}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code, signal) => {
      if (signal) console.error(`node ${args[0]} was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}

/** @returns {Promise<import('./test/summary.mjs').Counts>} */
async function runVitest() {
  const report = join(scratch, 'vitest.json');
  const code = await runNode([
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ]);
  try {
    const counts = countVitest(JSON.parse(readFileSync(report, 'utf8')));
    // An error outside any test (an unhandled rejection) fails the run though every test passed.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch (error) {
    console.error(
      `vitest left no readable report (exit code ${code}): ${error instanceof Error ? error.message : error}`,
    );
    return { passed: 0, failed: 1 };
  }
}

try {
  console.log('checks, build and packages');
  const checks = await runParts([...checkParts(root), ...packParts(root)], console.log);
  console.log('tests');
  const tests = await runVitest();
  const sum = addCounts([checks, tests]);
  process.exitCode = sum.failed > 0 || tests.passed === 0 ? 1 : 0;
  console.log(closingLine(sum));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
