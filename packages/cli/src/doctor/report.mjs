/** Puts the findings together, names what is wrong and what to do, and writes them for people. */
import { testedNodes } from './system.mjs';

/**
 * @typedef {ReturnType<typeof import('./system.mjs').describeSystem> & {
 *   library: ReturnType<typeof import('./library.mjs').describeLibrary>,
 *   gpu: ReturnType<typeof import('./library.mjs').describeGpu>,
 *   speed: import('./speed.mjs').Speed,
 * }} Findings
 */

/**
 * @param {Findings} findings
 * @returns {{problems: string[], advice: string[]}} sentences that say what to do: the engine cannot run while there are
 *   problems; advice makes it better
 */
export function judge({ system, node, library, gpu, speed }) {
  const problems = [];
  const advice = [];
  const major = Number(node.version.split('.')[0]);
  if (major < 20) problems.push(`Node ${node.version} is too old: 20.19 or newer is wanted.`);
  if (library.error) problems.push(library.error);
  else if (!library.found) {
    problems.push(
      system.platform === 'win32'
        ? 'libtensorflow was not found: work inside WSL2, or set LIBTENSORFLOW_DIR to a folder that holds tensorflow.dll.'
        : "libtensorflow was not found: run 'npm run setup', set LIBTENSORFLOW_DIR, or install the Python package tensorflow-cpu.",
    );
  }
  if (gpu.driverTooOld)
    advice.push(`The NVIDIA driver ${gpu.driver} is too old for CUDA 12: ${gpu.oldestDriver} or newer is wanted.`);
  const missing = gpu.libraries.filter(({ path }) => path === null).map(({ name }) => name);
  if (gpu.driver !== null && library.found) {
    if (!gpu.gpuBuild)
      advice.push(
        "There is an NVIDIA driver, but this libtensorflow is built without CUDA: run 'npm run setup -- --gpu'.",
      );
    else if (missing.length > 0)
      advice.push(
        `CUDA libraries are missing: ${missing.join(', ')}. Run 'npm run setup -- --gpu', or add their folders to LD_LIBRARY_PATH.`,
      );
  }
  if (library.found && speed.skipped?.startsWith('the speed check'))
    problems.push(`The engine did not run: ${speed.skipped}.`);
  if (!node.tested)
    advice.push(
      `Node ${node.version} is not among the versions this repository is tested with (${testedNodes.join(', ')}).`,
    );
  if (gpu.visible === '' || gpu.visible === '-1')
    advice.push('CUDA_VISIBLE_DEVICES hides every card from this process.');
  return { problems, advice };
}

/** @param {number} bytes */
const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** @param {Record<string, string>} variables */
const listVariables = (variables) =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ') || 'nothing set';

/**
 * @param {Findings} findings
 * @param {ReturnType<typeof judge>} judgement
 * @returns {string}
 */
export function formatReport(findings, { problems, advice }) {
  const { system, container, cpu, node, threads, malloc, library, gpu, speed } = findings;
  const { found } = library;
  /** @type {[string, string][]} */
  const lines = [
    ['system', `${system.platform} ${system.release} ${system.arch}${system.glibc ? `, glibc ${system.glibc}` : ''}`],
    [
      'memory',
      `${gib(system.memoryBytes)}, ${gib(system.freeMemoryBytes)} free${container.memoryBytes ? `, limited to ${gib(container.memoryBytes)}` : ''}`,
    ],
    [
      'processor',
      `${cpu.model ?? 'unknown'}, ${cpu.logicalCores} logical cores${container.cpus ? `, limited to ${container.cpus}` : ''}`,
    ],
    ['features', formatFeatures(cpu.features)],
    ['node', `${node.version}${node.tested ? '' : ' (not among the tested versions)'}`],
    ['threads', `${threads.available} available; ${listVariables(threads.variables)}`],
    [
      'malloc',
      `${listVariables(malloc.variables)}; transparent huge pages ${malloc.transparentHugePages ?? 'unknown'}`,
    ],
    [
      'libtensorflow',
      found
        ? `${speed.libraryVersion ?? found.version ?? 'unknown version'}, ${found.gpu ? 'CUDA' : 'CPU'} build, ${found.dir}`
        : 'not found',
    ],
  ];
  if (found) lines.push(['', `${found.why}; this repository is tested with ${library.pinned}`]);
  for (const line of library.refused) lines.push(['', `not used: ${line}`]);
  lines.push([
    'devices',
    speed.devices.length > 0
      ? `${speed.devices.join(', ')}; uses ${speed.device} (${speed.why})`
      : 'unknown until the engine runs',
  ]);
  lines.push([
    'NVIDIA',
    gpu.driver ? `driver ${gpu.driver}${gpu.cards.length > 0 ? `; ${gpu.cards.join(', ')}` : ''}` : 'no driver',
  ]);
  if (gpu.visible !== null) lines.push(['', `CUDA_VISIBLE_DEVICES=${gpu.visible}`]);
  if (gpu.driver !== null || gpu.gpuBuild) {
    for (const { name, use, path } of gpu.libraries)
      lines.push(['', `${path ? 'found  ' : 'MISSING'} ${name} (${use})${path ? ` ${path}` : ''}`]);
  }
  if (speed.skipped) lines.push(['speed', `not measured: ${speed.skipped}`]);
  for (const { name, shape, gflops, medianGflops } of speed.rows)
    lines.push(['speed', `${name} ${shape}: ${gflops} GFLOP/s, median ${medianGflops}`]);
  const text = lines.map(([name, value]) => `${name.padEnd(14)} ${value}`).join('\n');
  const verdict = problems.length === 0 ? ['The engine can run.'] : problems.map((problem) => `PROBLEM: ${problem}`);
  verdict.push(...advice.map((line) => `ADVICE: ${line}`));
  return `${text}\n\n${verdict.join('\n')}\n`;
}

/** @param {Record<string, boolean> | null} features */
function formatFeatures(features) {
  if (!features) return 'unknown';
  const names = (/** @type {boolean} */ present) => Object.keys(features).filter((name) => features[name] === present);
  const absent = names(false);
  return `${names(true).join(' ') || 'none'}${absent.length > 0 ? `; not ${absent.join(' ')}` : ''}`;
}
