/**
 * `npm run test:nodes -- [--versions 20,22,24,26] [test files]`: runs tests under each Node release, fetched through npm
 * into the user cache. Without files: set-up, doctor, the checks, and the unit tests of ldm-core and codiff.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheRoot } from '../packages/engine/library/index.mjs';
import { nodes, provideNode } from './nodes/versions.mjs';
import { addCounts, closingLine, countVitest } from './test/summary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const USAGE = 'npm run test:nodes -- [--versions 20,22,24,26] [test files]';
const { values, positionals } = given();
const versions = values.versions?.split(',') ?? Object.keys(nodes);
const MODELS = ['packages/ldm-core/src', 'packages/codiff/src'];
const files =
  positionals.length > 0
    ? positionals
    : ['scripts', 'packages/engine/test/library', 'packages/cli/src/doctor', ...MODELS];
const cache = join(dirname(cacheRoot(process.env)), 'node');
const scratch = mkdtempSync(join(tmpdir(), 'codiff-nodes-'));
/** @type {import('./test/summary.mjs').Counts[]} */
const all = [];
try {
  for (const version of versions) {
    const counts = await runUnder(version).catch((error) => {
      console.error(`Node ${version}: ${error instanceof Error ? error.message : error}`);
      return { passed: 0, failed: 1 };
    });
    console.log(`Node ${nodes[version]?.version ?? version}: ${closingLine(counts)}`);
    all.push(counts);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const sum = addCounts(all);
console.log(closingLine(sum));
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;

/** What the command line asks for; ends the process where it makes no sense, or where help was asked for. */
function given() {
  try {
    const options = /** @type {const} */ ({ versions: { type: 'string' }, help: { type: 'boolean' } });
    const parsed = parseArgs({ options, allowPositionals: true });
    if (!parsed.values.help) return parsed;
    console.log(USAGE);
    return process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return process.exit(2);
  }
}

/** @param {string} version @returns {Promise<import('./test/summary.mjs').Counts>} */
async function runUnder(version) {
  const program = provideNode(version, cache);
  const report = join(scratch, `${version}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`, ...files];
  // Programs that tests start by name get the same Node.
  const env = { ...process.env, PATH: `${dirname(program)}:${process.env.PATH ?? ''}` };
  const code = await new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', resolve);
  });
  const counts = countVitest(JSON.parse(readFileSync(report, 'utf8')));
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
