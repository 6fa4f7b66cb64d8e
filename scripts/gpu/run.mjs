/**
 * Runs the GPU tests and the benchmarks with a given libtensorflow, and writes what came of them:
 *
 *   node scripts/gpu/run.mjs --library DIR --results DIR [--search DIR ...] [--steps doctor,tests,block,ops]
 *     [--tests FILE ...] [--device gpu] [--only NAME] [--runs N] [--limit SECONDS]
 *
 * --search: more folders with CUDA libraries; --only and --runs are those of `npm run bench`; --limit: for each step.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findLibrary, nvidiaCards, nvidiaDriver } from '../../packages/engine/library/index.mjs';
import { describeLibraries, usualFolders, withMachineLibraries } from './machine-libraries.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    library: { type: 'string' },
    results: { type: 'string' },
    search: { type: 'string', multiple: true, default: [] },
    steps: { type: 'string', default: 'doctor,tests,block,ops' },
    tests: { type: 'string', multiple: true, default: ['packages/engine/test/gpu.test.ts'] },
    device: { type: 'string' },
    only: { type: 'string' },
    runs: { type: 'string' },
    limit: { type: 'string', default: '1800' },
  },
});
if (values.library === undefined || values.results === undefined)
  throw new Error('--library DIR (the folder of libtensorflow) and --results DIR are wanted');
const results = resolve(values.results);
mkdirSync(results, { recursive: true });

const { env, libraries } = withMachineLibraries({
  libraryDir: resolve(values.library),
  env: process.env,
  folders: [...values.search, ...usualFolders(process.env)],
});
const library = findLibrary({ env });
const lines = describeLibraries(libraries, resolve(values.library));
for (const line of lines) console.log(line);

const bench = (/** @type {string} */ what) => [
  'packages/cli/dist/bench/main.js',
  what,
  '--json',
  join(results, `bench-${what}.json`),
  ...['device', 'only', 'runs'].flatMap((name) => {
    const value = values[/** @type {'device' | 'only' | 'runs'} */ (name)];
    return value === undefined ? [] : [`--${name}`, value];
  }),
];
/** @type {Record<string, string[]>} arguments to Node */
const steps = {
  doctor: ['packages/cli/bin/codiff.mjs', 'doctor'],
  tests: [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...values.tests,
    '--reporter=verbose',
    '--reporter=json',
    `--outputFile.json=${join(results, 'tests.json')}`,
  ],
  block: bench('block'),
  ops: bench('ops'),
};
const wanted = values.steps.split(',');
for (const name of wanted)
  if (!(name in steps)) throw new Error(`--steps: '${name}' is not one of ${Object.keys(steps).join(', ')}`);

/** @type {{name: string, code: number | string, seconds: number}[]} */
const outcomes = [];
for (const name of wanted) {
  const begin = performance.now();
  console.log(`\n${name}`);
  const code = await runStep(name);
  outcomes.push({ name, code, seconds: Math.round((performance.now() - begin) / 100) / 10 });
}

const cards = nvidiaCards();
const driver = nvidiaDriver();
const when = new Date().toISOString().slice(0, 10);
const summary = { when, cards, driver, node: process.version, library, libraries: lines, steps: outcomes };
writeFileSync(join(results, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
const said = outcomes.map(({ name, code }) => (code === 0 ? name : `${name} (failed)`)).join(', ');
console.log(`\n| ${said} | ${when} | ${cards.length > 0 ? cards.join(', ') : 'no card'}, driver ${driver ?? 'none'} |`);
process.exitCode = outcomes.every(({ code }) => code === 0) ? 0 : 1;

/**
 * Output is shown and kept in a file of the step's name.
 * @param {string} name @returns {Promise<number | string>} exit code, or the signal that ended it
 */
function runStep(name) {
  const [program = '', ...args] = steps[name] ?? [];
  const file = join(root, program);
  if (!existsSync(file)) throw new Error(`${name}: ${file} is not there; pack again after npm run build`);
  const log = createWriteStream(join(results, `${name}.txt`));
  const child = spawn(process.execPath, [file, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), Number(values.limit) * 1000);
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      process.stdout.write(chunk);
      log.write(chunk);
    });
  return new Promise((done) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      log.end(() => done(code ?? signal ?? 1));
    });
  });
}
