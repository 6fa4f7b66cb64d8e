import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Arguments, parseArguments, USAGE } from './arguments.js';
import { messageOf } from './cases/problems.js';
import { checkFixtureData } from './data/table.js';
import { writeTable } from './report/readme-table.js';
import { describeCase, describeRun } from './report/text.js';
import type { RunReport } from './run/run-folder.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** Exit codes: 0 all within their limits, 1 a miss, 2 nothing could be run. */
async function main(argv: readonly string[]): Promise<number> {
  let options: Arguments;
  if (argv.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  try {
    options = parseArguments(argv);
  } catch (error) {
    console.error(`parity: ${messageOf(error)}\n${USAGE}`);
    return 2;
  }
  try {
    const { report, label } = await run(options);
    console.log(`${describeRun(report)}\n${label}`);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ label, ...report }, null, 1)}\n`);
    if (options.write) {
      const heading = `${new Date().toISOString().slice(0, 10)}, ${label}`;
      writeFileSync(README, writeTable(readFileSync(README, 'utf8'), report, heading));
    }
    return report.ok ? 0 : 1;
  } catch (error) {
    console.error(`parity: ${messageOf(error)}`);
    return 2;
  }
}

async function run(options: Arguments): Promise<{ report: RunReport; label: string }> {
  const { subject, kinds, modes, backend: name, device } = options;
  if (subject === 'keys' || subject === 'data') {
    // Structure and files only: no tensor is made, so no backend starts.
    const results = await checkFixtureData(subject === 'keys' ? ['state_dict_keys'] : undefined);
    for (const result of results) console.log(describeCase(result));
    const report = { results, skipped: [], unselected: [], ok: results.every(({ ok }) => ok) };
    return { report, label: 'no backend' };
  }
  // Loaded here, so that the checks above start without the engine and the models' kinds.
  const [{ useBackend }, { runFolder }] = await Promise.all([
    import('./run/backend.js'),
    import('./run/run-folder.js'),
  ]);
  const backend = await useBackend(name, device);
  const wanted = modes ?? backend.modes;
  const lacking = wanted.find((mode) => !backend.modes.includes(mode));
  if (lacking !== undefined)
    throw new Error(`--mode ${lacking}: the backend '${name}' has ${backend.modes.join(', ')} only`);
  const report = await runFolder({
    folder: subject,
    kinds,
    modes: wanted,
    call: backend.call,
    onResult: (result) => console.log(describeCase(result)),
  });
  return { report, label: backend.label };
}

process.exitCode = await main(process.argv.slice(2));
