/** `codiff doctor`: says what machine this is, whether the engine can run on it, and what to do if not. */
import { parseArgs } from 'node:util';
import { describeGpu, describeLibrary, loadFinder } from './library.mjs';
import { formatReport, judge } from './report.mjs';
import { checkSpeed, skipped } from './speed.mjs';
import { describeSystem } from './system.mjs';

const usage = `codiff doctor [--json] [--no-speed]

Shows the system, the processor's features, Node, where libtensorflow is, its devices, each CUDA library found or missing,
thread and memory settings, and a ten-second speed check. Exit code: 0 if the engine can run, 1 if not.

  --json      everything as JSON
  --no-speed  start the engine, but do not measure
  --help      print this
`;

/**
 * @param {string[]} args after `doctor`
 * @param {{env?: NodeJS.ProcessEnv, write?: (text: string) => unknown}} [options]
 * @returns {Promise<number>} exit code: 0 the engine can run, 1 it cannot, 2 wrong arguments
 */
export async function doctorCommand(args, { env = process.env, write = (text) => process.stdout.write(text) } = {}) {
  const flag = { type: /** @type {const} */ ('boolean') };
  let values;
  try {
    ({ values } = parseArgs({ args, options: { json: flag, 'no-speed': flag, help: flag } }));
  } catch (error) {
    write(`codiff doctor: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    write(usage);
    return 0;
  }
  const finder = await loadFinder();
  const library = describeLibrary(finder, env);
  const findings = {
    ...describeSystem({ env }),
    library,
    gpu: describeGpu(finder, { env, libraryDir: library.found?.dir ?? null, gpuBuild: library.found?.gpu ?? false }),
    speed: library.found
      ? await checkSpeed({ env, devicesOnly: values['no-speed'] ?? false })
      : skipped('there is no libtensorflow'),
  };
  const judgement = judge(findings);
  const ok = judgement.problems.length === 0;
  write(
    values.json ? `${JSON.stringify({ ok, ...judgement, ...findings }, null, 2)}\n` : formatReport(findings, judgement),
  );
  return ok ? 0 : 1;
}
